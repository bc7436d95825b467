#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// One thing about a plan that can be got wrong.
enum class MutationKind {
  kRemoveWait,       ///< a wait is gone
  kLowerCount,       ///< a wait is for one instruction less; a count of 1 stays
  kRaiseDistance,    ///< a wait is for one interval earlier
  kMoveBuffer,       ///< a buffer begins where another one does, or 256 bytes beside its place
  kResize,           ///< a row more or less, 256 bytes between versions, or in an arena
  kShiftStage,       ///< an instruction's stage is one more or less
  kChangeVersions,   ///< a buffer has one version more or less
  kMoveInstruction,  ///< an instruction stands on another lane; waits go on to name what they did
  kRenameProducer,   ///< an operand names another instruction, or one producer less
  kChangeReadDistance,  ///< an operand names the value of one step earlier or later
  kSwapNeighbours,      ///< two neighbours on a lane change places, and counts stay as they are
  kChangeWrites,        ///< one result less or one twice, two exchanged, or another buffer
  kChangeRows,     ///< rows that are read or written are others, or another's of the same buffer
  kChangeScratch,  ///< scratch memory is gone, too small, or that of another instruction
};

std::string_view name_of(MutationKind kind);
/// All kinds, in the order above.
std::vector<MutationKind> all_mutation_kinds();

/// A change of one kind at one place of a plan.
struct Mutation {
  MutationKind kind = MutationKind::kRemoveWait;
  std::string description;
  std::function<void(Plan&)> apply;  ///< to the plan it was made for, or a copy
};

/// Every change of that kind, at every place, in a fixed order. Arenas grow where a change needs
/// room, and the features that a plan says it needs follow, so that neither is what is wrong.
std::vector<Mutation> mutations_of(const Plan& plan, MutationKind kind);
Plan mutated(const Plan& plan, const Mutation& mutation);

/// A plan with one change, and what the change is.
struct Mutant {
  Plan plan;
  std::string description;
};

/// Every wait of the plan in turn: removed, its count lowered by one, its distance raised by one.
/// Of a plan with no wait too many, verify_plan refuses each of them.
std::vector<Mutant> wait_mutants(const Plan& plan);

/// Every two neighbours on a lane in turn, exchanged. Some of these may be sound.
std::vector<Mutant> order_mutants(const Plan& plan);

}  // namespace graphrt
