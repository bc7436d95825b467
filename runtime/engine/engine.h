#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/action.h"
#include "runtime/engine/instruction_observer.h"
#include "runtime/engine/progress_counter.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// Steps first .. first + count - 1.
struct StepRange {
  int64_t first = 0;
  int64_t count = 0;
};

/// Runs a plan: one thread a lane, each through its own list, interval after interval, ordered by
/// nothing but the plan's waits. There is no barrier between the steps of a run.
///
/// Owns its threads, which sleep between runs. The step loop allocates nothing, takes no lock and
/// decides nothing: it waits for counters and runs actions.
/// Threads: run() from one thread at a time; num_finished_steps() from any.
class Engine {
 public:
  /// One action for every instruction of the plan. Only lanes and waits are copied out of `plan`.
  /// Requires: verify_plan(plan) found nothing.
  /// Errors: the system gives no thread (kMachine).
  static Result<std::unique_ptr<Engine>> create(
      const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions);

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Runs the steps, overlapped as the plan allows, and returns when all lanes are through.
  /// `observer` may be null.
  /// Errors: the first failed action, in lane order; all lanes have stopped then, and the engine
  ///         refuses to run again.
  Result<void> run(StepRange steps, InstructionObserver* observer);

  /// How many steps of the current or latest run are complete. Does not disturb the run.
  int64_t num_finished_steps() const;

 private:
  struct BoundWait {
    const ProgressCounter* counter;
    int64_t lane_length;
    int64_t count;
    int64_t distance;
  };
  struct BoundInstruction {
    InstructionId id;
    int32_t stage = 0;
    std::vector<BoundWait> waits;
    std::unique_ptr<Action> action;
  };
  struct Lane {
    LaneId id;
    ProgressCounter counter;
    std::vector<BoundInstruction> instructions;
    std::optional<Error> error;
    std::thread thread;
  };
  /// What the lanes are to do; written only while all of them sleep.
  struct Order {
    StepRange steps;
    int64_t first_interval = 0;
    int64_t num_intervals = 0;
    InstructionObserver* observer = nullptr;
    bool leave = false;
  };

  explicit Engine(const Plan& plan);
  void bind(const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions);
  Result<void> start_threads(const Plan& plan);
  void issue(const Order& order);

  void serve(Lane& lane);
  void run_lane(Lane& lane);
  bool run_interval(Lane& lane, int64_t interval);
  bool run_instruction(Lane& lane, const BoundInstruction& instruction, int64_t step);

  std::vector<std::unique_ptr<Lane>> lanes_;  // those with instructions
  int64_t max_stage_ = 0;
  WaitPolicy wait_policy_;
  Order order_;
  int64_t next_interval_ = 0;
  bool has_failed_ = false;

  std::atomic<uint32_t> num_orders_ = 0;   // grows with every order
  std::atomic<int32_t> num_running_ = 0;   // lanes that have not carried out the order
  std::atomic<bool> is_stopping_ = false;  // a lane has failed

  // Of the current run, for num_finished_steps().
  std::atomic<int64_t> progress_base_ = 0;
  std::atomic<int64_t> progress_limit_ = 0;
};

}  // namespace graphrt
