#include "compiler/schedule/serialise.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "compiler/solve/topological_order.h"

namespace graphc {
namespace {

/// Tasks that may run side by side: the blocks of one operation, or a task by itself.
using Turn = std::vector<TaskId>;

/// By names, so that the order of nodes in the file does not matter.
std::vector<TaskId> by_name(const TaskGraph& tasks) {
  std::vector<TaskId> sorted;
  for (const TaskId task : tasks.tasks.ids()) sorted.push_back(task);
  std::sort(sorted.begin(), sorted.end(),
            [&](TaskId a, TaskId b) { return tasks.tasks[a].name < tasks.tasks[b].name; });
  return sorted;
}

/// What an operation writes, and what it computes or copies: the same for all of its blocks.
using Work = std::tuple<PlacedValueId, std::optional<NodeId>, std::optional<PlacedValueId>>;

Work work_of(const PlacedOp& op) {
  const bool is_copy = op.kind == PlacedOpKind::kCopy;
  return {op.writes.front(), op.node, is_copy ? std::optional(op.reads[0].value) : std::nullopt};
}

/// The blocks of one operation take one turn. Outputs write nothing, and have none.
std::vector<Turn> turns_of_operations(const TaskGraph& tasks) {
  std::vector<Turn> turns;
  std::map<Work, size_t> turn_of;
  for (const TaskId task : by_name(tasks)) {
    const PlacedOp& op = tasks.placed->ops[tasks.tasks[task].op];
    if (op.writes.empty()) {
      turns.push_back({task});
      continue;
    }
    const auto [at, is_new] = turn_of.try_emplace(work_of(op), turns.size());
    if (is_new) turns.emplace_back();
    turns[at->second].push_back(task);
  }
  return turns;
}

std::vector<Turn> turns_of_tasks(const TaskGraph& tasks) {
  std::vector<Turn> turns;
  for (const TaskId task : by_name(tasks)) turns.push_back({task});
  return turns;
}

/// The turns with each behind those that it needs within its step, and of what is ready the first
/// first; fewer than there are where they need each other.
std::vector<Turn> in_order(const TaskGraph& tasks, const std::vector<Turn>& turns) {
  IdVector<TaskId, size_t> turn_of(tasks.tasks.size(), 0);
  for (size_t i = 0; i < turns.size(); ++i) {
    for (const TaskId task : turns[i]) turn_of[task] = i;
  }
  std::vector<std::vector<size_t>> needs(turns.size());
  for (const TaskEdge& edge : tasks.edges) {
    if (edge.distance == 0) needs[turn_of[edge.to]].push_back(turn_of[edge.from]);
  }
  std::vector<Turn> ordered;
  for (const size_t i : sort_topologically(needs).order) ordered.push_back(turns[i]);
  return ordered;
}

void add_order(const Turn& before, const Turn& after, int32_t distance,
               std::vector<TaskEdge>& edges) {
  for (const TaskId from : before) {
    for (const TaskId to : after) edges.push_back({from, to, distance, EdgeKind::kOrder, {}});
  }
}

}  // namespace

TaskGraph serialised(TaskGraph tasks) {
  std::vector<Turn> turns = turns_of_operations(tasks);
  std::vector<Turn> ordered = in_order(tasks, turns);
  // Blocks of two states may need each other in turn; then every task has one of its own.
  if (ordered.size() < turns.size()) ordered = in_order(tasks, turns_of_tasks(tasks));
  for (size_t i = 1; i < ordered.size(); ++i) {
    add_order(ordered[i - 1], ordered[i], 0, tasks.edges);
  }
  if (!ordered.empty()) add_order(ordered.back(), ordered.front(), 1, tasks.edges);
  return tasks;
}

}  // namespace graphc
