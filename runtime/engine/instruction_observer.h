#pragma once

#include <chrono>
#include <cstdint>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Is told when instructions start and finish. Instructions that are skipped, because their step
/// lies outside the run, are not reported.
///
/// Threads: called on the thread of the lane, so for different lanes at the same time. It is part
///          of the step loop: what it allocates or waits for, the lane does.
class InstructionObserver {
 public:
  virtual ~InstructionObserver() = default;
  /// All waits of the instruction hold.
  virtual void on_start(LaneId lane, InstructionId instruction, int64_t step) = 0;
  /// Its result is there, and no other lane has been told yet.
  virtual void on_finish(LaneId lane, InstructionId instruction, int64_t step) = 0;

  /// Whether on_queued() is wanted. The hardware's queues are timed only then, since it costs them.
  virtual bool wants_queued() const { return false; }
  /// An instruction that the hardware queued by itself; told after the run, each lane in order.
  virtual void on_queued(LaneId, InstructionId, int64_t /*step*/,
                         std::chrono::steady_clock::time_point /*start*/,
                         std::chrono::steady_clock::time_point /*end*/) {}
};

}  // namespace graphrt
