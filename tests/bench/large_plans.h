#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/plan/plan.h"

namespace graphrt {

/// What a large plan is made of. On every lane instructions form chains; buffers share bytes as
/// those of a compiled plan do, and waits between neighbouring lanes enforce all that needs it.
enum class PlanShape : uint8_t {
  kRings,     ///< a ring of equal slots a lane, values of other lanes read now and then
  kStages,    ///< every other lane one stage behind, buffers of two versions in the rings
  kPools,     ///< buffers of several sizes, so that their bytes overlap in part
  kHotState,  ///< a state that every instruction reads and that blocks of rows replace
  kBlocks,    ///< large buffers written by blocks of rows over the bytes of small ones
  kHosts      ///< kRings over several hosts, with messages where neighbouring lanes are apart
};
std::span<const PlanShape> all_plan_shapes();
std::string_view to_string(PlanShape shape);

/// A plan with at least `num_instructions` instructions on `num_lanes` lanes, correct by
/// construction; the same from the same arguments. Requires: 2 lanes or more, an even number.
Plan large_plan(PlanShape shape, int32_t num_instructions, int32_t num_lanes);

}  // namespace graphrt
