#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/instruction_observer.h"

namespace graphrt {

/// Records when every instruction ran, by the monotonic clock, for Perfetto or chrome://tracing. A
/// traced run is slower than others: its times are for looking at, not for reporting.
class TraceRecorder final : public InstructionObserver {
 public:
  using Clock = std::chrono::steady_clock;

  /// Takes all memory for a run of `num_steps` steps; those of a longer run are not recorded beyond
  /// that. `plan` must outlive the recorder.
  /// Errors: more than the memory that is free (kMachine); a negative number.
  static Result<std::unique_ptr<TraceRecorder>> create(const Plan& plan, int64_t num_steps);

  void on_start(LaneId lane, InstructionId instruction, int64_t step) override;
  void on_finish(LaneId lane, InstructionId instruction, int64_t step) override;
  bool wants_queued() const override { return true; }
  void on_queued(LaneId lane, InstructionId instruction, int64_t step, Clock::time_point start,
                 Clock::time_point end) override;

  /// Of all lanes together. Requires: no run goes on.
  int64_t busy_ns() const;

  /// The Chrome trace format: a process a device, a thread a lane, a slice an instruction with its
  /// step and stage; microseconds since the first start.
  std::string to_json() const;

 private:
  struct Event {
    InstructionId instruction;
    int64_t step = 0;
    Clock::time_point start;
    Clock::time_point end;
  };
  struct alignas(128) Lane {  // each is written by another thread
    std::vector<Event> events;
    bool is_full = false;  // the instruction that runs is not recorded
  };

  explicit TraceRecorder(const Plan& plan) : plan_(plan), lanes_(plan.lanes.size()) {}

  const Plan& plan_;
  IdVector<LaneId, Lane> lanes_;
};

}  // namespace graphrt
