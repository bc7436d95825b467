#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "runtime/engine/instruction_observer.h"

namespace graphrt {

/// Adds up how long each lane worked, at the price of two looks at the clock an instruction.
class BusyMeter final : public InstructionObserver {
 public:
  explicit BusyMeter(const Plan& plan) : lanes_(plan.lanes.size()) {}

  void on_start(LaneId lane, InstructionId, int64_t) override { lanes_[lane].start = Clock::now(); }
  void on_finish(LaneId lane, InstructionId, int64_t) override {
    lanes_[lane].busy += Clock::now() - lanes_[lane].start;
  }

  /// Of all lanes together. Requires: no run goes on.
  int64_t busy_ns() const {
    Clock::duration sum{};
    for (const Lane& lane : lanes_) sum += lane.busy;
    return std::chrono::nanoseconds(sum).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct alignas(128) Lane {  // each is written by another thread
    Clock::time_point start;
    Clock::duration busy{};
  };
  IdVector<LaneId, Lane> lanes_;
};

}  // namespace graphrt
