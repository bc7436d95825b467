#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/device/action.h"
#include "runtime/device/lane_queue.h"
#include "runtime/device/launch.h"
#include "runtime/engine/instruction_observer.h"
#include "runtime/engine/progress_counter.h"
#include "runtime/engine/queued_lanes.h"
#include "runtime/engine/stall_watch.h"
#include "runtime/engine/watchdog.h"
#include "runtime/plan/plan.h"
#include "runtime/remote/transport.h"

namespace graphrt {

/// Which host's lanes run here, and what moves their messages.
struct MessageChoice {
  std::optional<HostId> host = {};                  ///< absent: all hosts' lanes
  std::unique_ptr<Messages> messages = {};          ///< null: no lane here sends or receives
  IdVector<MessageEndId, InstructionId> ends = {};  ///< what each of its ends is in the plan
  IdVector<HostId, std::string> titles = {};        ///< of the hosts, for what is said of a stall
};

/// Which devices queue their lanes by themselves, and how.
struct QueueChoice {
  QueueOfDevice queue_of = {};                          ///< empty: no device has one
  IdVector<QueueId, LaneQueueFactory> make_queue = {};  ///< every queue that `queue_of` names
  LaunchMode mode = LaunchMode::kRecorded;
};

/// Runs a plan: every lane through its own list, interval after interval, ordered by nothing but
/// the plan's waits. There is no barrier between the steps of a run. Lanes of the host, and of
/// devices without a queue of their own, have a thread each; those of messages share one, which
/// alone calls what moves them. The others are launched by one thread a queue, which produces
/// nothing that they wait for: that which calls run() for the first.
///
/// Owns its threads, which sleep between runs. The step loop allocates nothing, takes no lock and
/// decides nothing: it waits for counters and flags, and runs actions.
/// Threads: run() from one thread at a time; num_finished_steps() from any.
class Engine {
 public:
  /// One action for every instruction that runs here, but for messages. Only lanes and waits are
  /// copied out of `plan`.
  /// Requires: verify_plan(plan) found nothing; an end for every message here.
  /// Errors: the system gives no thread, a device no queue (kMachine).
  static Result<std::unique_ptr<Engine>> create(
      const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions,
      const QueueChoice& queues = {}, MessageChoice messages = {});

  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  /// Runs the steps, overlapped as the plan allows, and returns when all lanes are through.
  /// `observer` may be null.
  /// Errors: the first failed action, in lane order, also one that throws, or whose observer does;
  ///         what the network reports, or kStoppedByPeer; no progress (kMachine). All lanes have stopped then, and the engine refuses to run
  ///         again. No thread for the watch (kMachine): nothing has run then.
  Result<void> run(StepRange steps, InstructionObserver* observer, const StallWatch& watch = {});
  /// Whether a run has failed: what its steps have left behind is of no step.
  bool has_failed() const { return has_failed_; }

  /// How many steps of the current or latest run are complete; 0 once it has failed. Does not
  /// disturb the run.
  int64_t num_finished_steps() const;
  /// Of the latest run, of all queues together.
  LaunchCost launch_cost() const;

 private:
  struct BoundWait {
    LaneId lane;
    const ProgressCounter* counter;
    int64_t lane_length;
    int64_t count;
    int64_t distance;
  };
  /// A queue with lanes, and what it and the host see of each other.
  struct BoundQueue {
    std::unique_ptr<LaneQueue> lane_queue;
    SignalFlags flags;
    IdVector<QueuedLaneId, LaneId> lanes;
    IdVector<QueuedLaneId, std::vector<InstructionId>> instructions;
    IdVector<SignalId, Signal> signals;
    IdVector<SignalId, SignalEnds> ends;
    Result<void> result;  // of the current run
    std::thread thread;   // that launches; not for the first
  };
  struct BoundSignal {
    const BoundQueue* queue;
    SignalId id;
    int64_t distance;

    uint32_t* flag(int64_t interval_of_run) const { return queue->flags.at(id, interval_of_run); }
  };
  struct BoundInstruction {
    InstructionId id;
    int32_t stage = 0;
    std::vector<BoundWait> waits;
    std::vector<BoundSignal> waits_on;
    std::vector<BoundSignal> signals;
    Action* action = nullptr;  // null: passes on signals between queues, and does nothing else
  };
  struct Lane {
    LaneId id;
    bool has_messages = false;
    ProgressCounter counter;
    /// Of the instruction that is being run, as the counter will count it; for messages.
    std::atomic<int64_t> num_started = 0;
    std::vector<BoundInstruction> instructions;
    std::optional<Error> error;
    std::thread thread;
  };
  /// A lane of messages: they start in order, are under way together, and end in order.
  struct MessageLane {
    Lane* lane;
    HostId peer;
    bool is_send;
    std::vector<MessageEndId> ends;  // of its instructions
    std::vector<char> has_ended;     // by position: under way, and through out of order
    int64_t num_started = 0;
    int64_t num_ended = 0;      // as the lane's counter says, unless it was closed
    int64_t num_signalled = 0;  // whose queues know
  };
  struct PlaceOfEnd {
    size_t message_lane;
    size_t position;
  };
  /// What the lanes are to do; written only while all of them sleep.
  struct Order {
    StepRange steps;
    int64_t first_interval = 0;
    int64_t num_intervals = 0;
    InstructionObserver* observer = nullptr;
    bool leave = false;
  };

  /// Null for one without lanes.
  using BoundQueues = IdVector<QueueId, const BoundQueue*>;

  Engine(const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions,
         MessageChoice messages);
  bool runs_here(const Plan& plan, LaneId lane) const;
  BoundQueues bind_queues(const Plan& plan, const DividedPlan& divided);
  void bind_lanes(const Plan& plan, const DividedPlan& divided, const BoundQueues& queues);
  static std::vector<BoundSignal> bound(const std::vector<QueueSignal>& signals,
                                        const BoundQueues& queues);
  void bind_messages(const Plan& plan);
  Result<void> make_queues(DividedPlan& divided, const QueueChoice& choice);
  Result<void> start_threads();
  void issue(const Order& order);

  void serve(const std::function<void()>& carry_out);
  void run_lane(Lane& lane);
  bool run_interval(Lane& lane, int64_t interval);
  bool run_instruction(Lane& lane, const BoundInstruction& instruction, int64_t step);
  Result<void> run_observed(LaneId lane, const BoundInstruction& instruction, int64_t step) const;
  bool wait_for_flag(uint32_t* flag, uint32_t value) const;
  bool wait_on_signals(const BoundInstruction& instruction, int64_t interval_of_run) const;
  bool set_signals(const BoundInstruction& instruction, int64_t interval_of_run) const;
  void run_messages();
  Result<void> run_messages_to_end();
  Result<bool> move_messages();
  bool are_messages_through() const;
  Result<bool> start_messages(MessageLane& messages);
  Result<bool> end_messages(MessageLane& messages);
  Result<void> start_message(MessageLane& messages, const BoundInstruction& instruction,
                             int64_t interval_of_run);
  void report_message(const MessageLane& messages, const BoundInstruction& instruction,
                      int64_t interval_of_run) const;
  bool may_start(const BoundInstruction& instruction, int64_t interval) const;
  bool may_signal(const BoundInstruction& instruction, int64_t interval_of_run) const;
  bool is_in_run(const BoundInstruction& instruction, int64_t interval_of_run) const;
  void run_queue(BoundQueue& queue);
  Result<void> queue_result() const;
  void release_queues();
  Result<void> run_watched(const StallWatch& watch);
  Result<void> prepare_watchdog(std::chrono::milliseconds timeout);
  void stop_all();
  uint64_t progress_mark() const;
  std::string stall_table() const;
  std::string stall_line(const Lane& lane) const;
  std::string message_under_way(const Lane& lane, const BoundInstruction& next,
                                int64_t interval_of_run) const;
  std::string awaited_by(const BoundInstruction& instruction, int64_t interval_of_run) const;
  std::string stall_line(const BoundQueue& queue, QueuedLaneId lane) const;
  std::string name_of(InstructionId id, int64_t interval_of_run) const;
  const Lane* lane_with(InstructionId id) const;
  void report_queued(InstructionObserver& observer) const;

  // The actions before all that runs them, so that they are destroyed last.
  IdVector<InstructionId, std::unique_ptr<Action>> actions_;
  std::vector<std::unique_ptr<BoundQueue>> queues_;  // none when every lane has a thread

  // For messages.
  IdVector<LaneId, std::string> lane_names_;
  IdVector<InstructionId, std::string> names_;
  IdVector<InstructionId, int32_t> stages_;
  bool has_output_lane_ = false;

  std::vector<std::unique_ptr<Lane>> lanes_;  // those with instructions
  std::optional<HostId> host_;
  std::unique_ptr<Messages> messages_;
  IdVector<MessageEndId, InstructionId> instruction_of_end_;
  IdVector<HostId, std::string> host_titles_;
  std::vector<MessageLane> message_lanes_;  // of those in lanes_
  IdVector<MessageEndId, PlaceOfEnd> places_of_ends_;
  Result<void> message_result_;  // of the current run
  std::thread message_thread_;   // none without such lanes
  int64_t max_stage_ = 0;
  WaitPolicy wait_policy_;
  Order order_;
  int64_t next_interval_ = 0;
  bool has_failed_ = false;

  std::atomic<uint32_t> num_orders_ = 0;           // grows with every order
  std::atomic<int32_t> num_running_ = 0;           // threads that have not carried out the order
  std::atomic<bool> is_stopping_ = false;          // a lane has failed
  std::atomic<int32_t> num_queues_under_way_ = 0;  // on the hardware
  std::atomic<bool> is_releasing_ = false;         // a lane does so for all

  std::unique_ptr<Watchdog> watchdog_;  // from the first watched run on

  // Of the current run, for num_finished_steps().
  std::atomic<int64_t> progress_base_ = 0;
  std::atomic<int64_t> progress_limit_ = 0;
};

}  // namespace graphrt
