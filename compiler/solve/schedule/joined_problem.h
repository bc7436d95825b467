#pragma once

#include <vector>

#include "compiler/solve/schedule/lower_bound.h"

namespace graphc {

/// Tasks that one launch starts, in the order in which they will stand on a lane; at least two.
using Launch = std::vector<TaskId>;

/// Those of a solution.
std::vector<Launch> launches_in(const SchedulingSolution& solution);

/// A scheduling problem in which every launch is one task, as plain values. Launching it takes what
/// launching the first of it takes.
///
///   w1 [launch][work]                        [launch][work w1][work w2][work w3]
///   w2 [launch][work]              ->
///   w3 [launch][work]
class JoinedProblem {
 public:
  /// Requires: no edge between tasks of one launch; all of a launch are of one group.
  JoinedProblem(const SchedulingProblem& apart, const std::vector<Launch>& launches);

  const SchedulingProblem& problem() const { return joined_; }

  /// Its bound, in the numbers of the tasks themselves: of a launch, the first.
  IntervalBound bound() const;

  /// The same orders, stages and versions for the tasks themselves: those of a launch stand next to
  /// each other and are marked as joined.
  SchedulingSolution apart(const SchedulingSolution& joined) const;

 private:
  void add_tasks(const SchedulingProblem& apart, const std::vector<Launch>& launches);
  void add_edges(const SchedulingProblem& apart);

  SchedulingProblem joined_;
  IdVector<TaskId, Launch> members_;  ///< of every joined task; one where it is alone
  IdVector<TaskId, TaskId> joined_of_;
  IdVector<TaskId, TaskCost> costs_;  ///< of the tasks themselves
};

}  // namespace graphc
