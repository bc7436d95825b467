#pragma once

#include <vector>

#include "compiler/schedule/task_graph.h"
#include "compiler/solve/schedule/joined_problem.h"

namespace graphc {

/// Whether one launch may update this node's state with others, if it is done as a whole.
bool may_share_launch(const Node& node);
/// Whether the task does that.
bool may_share_launch(const TaskGraph& tasks, TaskId task);

/// Updates of states that are worth one launch together: of one accelerator, none longer than
/// launching it takes, and none before another one by any dependency. Those that others of them
/// need come in a launch before (Adam's averages before its updates).
///
/// Which ones follows from the tasks alone; whether it pays is the scheduler's to judge, since who
/// reads one of them waits for all.
std::vector<Launch> joint_launches(const TaskGraph& tasks);

}  // namespace graphc
