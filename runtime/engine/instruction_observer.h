#pragma once

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
};

}  // namespace graphrt
