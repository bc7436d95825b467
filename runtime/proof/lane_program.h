#pragma once

#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Only what order and time depend on: which instructions a lane runs, in which order, after which
/// waits, at what cost. Input of HappensBefore and of simulate.
struct LaneInstruction {
  int32_t stage = 0;
  std::vector<Wait> waits;
  TaskCost cost;
};
struct LaneProgram {
  IdVector<LaneId, std::vector<LaneInstruction>> lanes;
  /// That the lane shares with others, kMaxLaneResources at most; costs say how long it takes them.
  IdVector<LaneId, std::vector<SharedResourceId>> resources;
};

LaneProgram lane_program(const Plan& plan);

/// A place in a lane program.
struct Position {
  LaneId lane;
  int32_t index = 0;
  auto operator<=>(const Position&) const = default;
};

}  // namespace graphrt
