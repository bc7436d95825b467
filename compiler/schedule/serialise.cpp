#include "compiler/schedule/serialise.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/graph/topological_order.h"

namespace graphc {
namespace {

/// Each before those that need it in its step.
std::vector<TaskId> topological_order(const TaskGraph& tasks) {
  std::vector<TaskId> by_name;
  for (const TaskId task : tasks.tasks.ids()) by_name.push_back(task);
  // So that the order of nodes in the file does not matter.
  std::sort(by_name.begin(), by_name.end(),
            [&](TaskId a, TaskId b) { return tasks.tasks[a].name < tasks.tasks[b].name; });
  IdVector<TaskId, size_t> rank(by_name.size(), 0);
  for (size_t i = 0; i < by_name.size(); ++i) rank[by_name[i]] = i;
  std::vector<std::vector<size_t>> needs(by_name.size());
  for (const TaskEdge& edge : tasks.edges) {
    if (edge.distance == 0) needs[rank[edge.to]].push_back(rank[edge.from]);
  }
  std::vector<TaskId> order;
  for (const size_t i : sort_topologically(needs).order) order.push_back(by_name[i]);
  return order;
}

class Serialiser {
 public:
  explicit Serialiser(TaskGraph tasks) : tasks_(std::move(tasks)) {
    for (const TaskEdge& edge : tasks_.edges) {
      if (edge.distance == 0) within_step_.insert({edge.from, edge.to});
    }
  }

  TaskGraph run() {
    std::vector<std::vector<TaskId>> turns;
    for (const TaskId task : topological_order(tasks_)) {
      if (turns.empty() || !shares_turn(task, turns.back())) turns.emplace_back();
      turns.back().push_back(task);
    }
    for (size_t i = 1; i < turns.size(); ++i) add_order(turns[i - 1], turns[i], 0);
    if (!turns.empty()) add_order(turns.back(), turns.front(), 1);
    return std::move(tasks_);
  }

 private:
  const PlacedOp& op_of(TaskId task) const { return tasks_.placed.ops[tasks_.tasks[task].op]; }

  /// Whether `task` is one more block of the operation whose turn it is.
  bool shares_turn(TaskId task, const std::vector<TaskId>& turn) const {
    const auto& written = op_of(task).writes;
    if (!written || op_of(turn.front()).writes != written) return false;
    return std::none_of(turn.begin(), turn.end(),
                        [&](TaskId before) { return within_step_.contains({before, task}); });
  }

  void add_order(const std::vector<TaskId>& before, const std::vector<TaskId>& after,
                 int32_t distance) {
    for (const TaskId from : before) {
      for (const TaskId to : after) {
        tasks_.edges.push_back({from, to, distance, EdgeKind::kOrder, {}});
      }
    }
  }

  TaskGraph tasks_;
  std::set<std::pair<TaskId, TaskId>> within_step_;
};

}  // namespace

TaskGraph serialised(TaskGraph tasks) { return Serialiser(std::move(tasks)).run(); }

}  // namespace graphc
