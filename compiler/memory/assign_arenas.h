#pragma once

#include "compiler/memory/memory_plan.h"

namespace graphc {

struct ArenaAssignment {
  IdVector<ArenaId, PlannedArena> arenas;  ///< by device, then kind; without sizes
  IdVector<PlacedValueId, ArenaId> arena_of;
};

/// An arena for each kind of memory that a device's values need: those of an accelerator lie in its
/// own, those of a host in pinned memory if a copy reads or writes them and in pageable memory if
/// not. What is pinned is taken from the whole machine for as long as the plan is loaded, so it is
/// no more than the copies need.
ArenaAssignment assign_arenas(const TaskGraph& tasks);

}  // namespace graphc
