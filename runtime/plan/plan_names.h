#pragma once

#include <string>
#include <string_view>

#include "runtime/plan/plan.h"

namespace graphrt {

/// `compute`, `link`, `feed`, `output`.
std::string_view name_of(LaneKind kind);
/// `kernel`, `copy`, `feed`, `output`.
std::string_view name_of(InstructionKind kind);
/// `device`, `pinned`, `pageable`.
std::string_view name_of(MemoryKind kind);
/// `zeros`, `he_normal`: the word a graph file uses.
std::string_view name_of(InitializerKind kind);
/// `input`, `state`, `constant`, `node`.
std::string_view name_of(SourceValueKind kind);

/// What an arena is called: `gpu0`, `cpu (pinned)`.
std::string name_of_memory(std::string_view device, MemoryKind kind);

/// `he_normal(seed 1, stream 'w1')`; data as its size and fingerprint.
std::string describe(const Initializer& initializer);

/// `'mm1' (gpu0.compute0)`. Requires: positions of the plan.
std::string name_with_lane(const Plan& plan, const IdVector<InstructionId, LanePosition>& positions,
                           InstructionId instruction);

}  // namespace graphrt
