#pragma once

#include <string>

#include "compiler/memory/memory_plan.h"
#include "runtime/proof/lane_program.h"
#include "runtime/proof/simulate.h"

namespace graphc {

/// Level 6: the fewest waits that enforce every dependency of the schedule, across steps too, and
/// the time per step evaluated again with them.
struct Synchronised {
  Shared<MemoryPlan> memory;
  MessageLanes lanes;
  LaneProgram program;
  int64_t num_waits_before = 0;  ///< one per dependency that crosses lanes
  int64_t num_waits = 0;
  int64_t interval_ns = 0;  ///< per step in the steady state
  int64_t latency_ns = 0;   ///< of one step alone
};

/// Drops every wait that lane order and the other waits imply.
///
///   lane A   [x]--.----.
///                  v    .
///   lane B        [y]-.  .       z waits for y, and y came after x already:
///                      v  v      the wait of z for x says nothing new
///   lane C             [z]
///
/// The unrolled run is an acyclic order, so what is left is its unique transitive reduction: none
/// of it can go, and nothing that was ordered before is unordered after. What is sent to another
/// host becomes a send and a receive here, each with waits for its own host only. That a message
/// has arrived says nothing of what its sender may do: only waiting for the send does.
///
/// Runs after:  plan_memory - bytes are shared along this order, which stays as it is.
/// Runs before: lower_to_plan.
/// Ensures:     verify_synchronised passes.
/// Source:      Aho, Garey, Ullman, "The transitive reduction of a directed graph", 1972.
Synchronised remove_redundant_waits(const Shared<MemoryPlan>& memory);

/// Checks every dependency of the schedule against the waits that are left, and that no wait can
/// go.
Violation verify_synchronised(const Synchronised& synchronised);

/// Lane by lane: every task and what it waits for.
std::string print_synchronised(const Synchronised& synchronised);

}  // namespace graphc
