#pragma once

#include "compiler/solve/schedule/memory_use.h"

namespace graphc {

/// What a greedy order looks at in a task that is ready.
enum class GreedyRule {
  kLeastGrowth,  ///< the bytes it leaves more than before
  kNearestFree,  ///< the same, with a share of what it touches counted as freed
  kHillValley,   ///< the same with what follows it alone: low valleys first, low hills to them
};

/// An order that takes, of what is ready, always the task that is best by `rule`; one that keeps
/// within the budgets first, the first by name last.
/// Of many ready tasks only those that became ready last are compared.
/// Cost: O(tasks + edges), with a large factor.
std::vector<TaskId> greedy_order(const OrderProblem& problem, GreedyRule rule);

/// An order that finishes what a task needs before it turns to something else; of what one task
/// needs first that with the largest peak above what it leaves.
/// Cost: O(n log n).
std::vector<TaskId> depth_first_order(const OrderProblem& problem);

}  // namespace graphc
