#pragma once

#include "runtime/plan/plan.h"
#include "runtime/proof/happens_before.h"

namespace graphrt {

/// HappensBefore for the instructions of a plan.
class PlanOrder {
 public:
  /// Requires: as HappensBefore.
  PlanOrder(const Plan& plan, const LaneProgram& program, int32_t horizon)
      : places_(plan.instructions.size()), order_(program, horizon) {
    for (const LaneId lane : plan.lanes.ids()) {
      int32_t index = 0;
      for (const InstructionId id : plan.lanes[lane].instructions) places_[id] = {lane, index++};
    }
  }

  const Position& place(InstructionId id) const { return places_[id]; }
  int32_t rank(InstructionId id) const { return order_.rank(places_[id]); }

  /// Whether `before` in interval t is over before `after` in interval t + distance starts.
  bool is_ordered(InstructionId before, InstructionId after, int32_t distance) const {
    return order_.is_ordered(places_[before], places_[after], distance);
  }
  bool is_ordered_either_way(InstructionId a, InstructionId b, int32_t distance) const {
    return is_ordered(a, b, distance) || is_ordered(b, a, -distance);
  }

 private:
  IdVector<InstructionId, Position> places_;
  HappensBefore order_;
};

}  // namespace graphrt
