#include "compiler/schedule/joint_launches.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace graphc {
namespace {

class LaunchFinder {
 public:
  explicit LaunchFinder(const TaskGraph& tasks)
      : tasks_(tasks), is_candidate_(tasks.tasks.size(), false), depth_(tasks.tasks.size(), 0) {
    for (const TaskId task : tasks.tasks.ids()) is_candidate_[task] = is_candidate(task);
    for (const TaskEdge& edge : tasks.edges) neighbours_.insert({edge.from, edge.to});
    find_depths();
  }

  std::vector<Launch> find() const {
    // By lanes and depth: of two tasks with a path from one to the other the depths differ.
    std::map<std::pair<GroupId, int32_t>, std::vector<Launch>> found;
    for (const TaskId task : candidates()) {
      add(found[{tasks_.tasks[task].group, depth_[task]}], task);
    }
    std::vector<Launch> launches;
    for (const auto& [key, of_key] : found) {
      for (const Launch& launch : of_key) {
        if (launch.size() > 1) launches.push_back(launch);
      }
    }
    return launches;
  }

 private:
  /// The one that takes longest to launch first, since a launch takes as long as its first; then by
  /// name, so that the order of nodes in the file does not matter.
  std::vector<TaskId> candidates() const {
    std::vector<TaskId> candidates;
    for (const TaskId task : tasks_.tasks.ids()) {
      if (is_candidate_[task]) candidates.push_back(task);
    }
    std::sort(candidates.begin(), candidates.end(), [&](TaskId a, TaskId b) {
      const Task& first = tasks_.tasks[a];
      const Task& second = tasks_.tasks[b];
      return std::tie(second.cost.latency_ns, first.name) <
             std::tie(first.cost.latency_ns, second.name);
    });
    return candidates;
  }

  bool is_candidate(TaskId id) const {
    const Task& task = tasks_.tasks[id];
    const bool shares_unit = !tasks_.lanes.groups[task.group].resources.empty();
    return shares_unit && saturates(task.cost) && task.cost.work_ns <= task.cost.latency_ns &&
           may_share_launch(tasks_, id);
  }

  /// How many candidates at most come before it, one after the other, in its step.
  void find_depths() {
    IdVector<TaskId, std::vector<TaskId>> after(tasks_.tasks.size());
    IdVector<TaskId, int32_t> num_before(tasks_.tasks.size(), 0);
    for (const TaskEdge& edge : tasks_.edges) {
      if (edge.distance > 0) continue;
      after[edge.from].push_back(edge.to);
      ++num_before[edge.to];
    }
    std::vector<TaskId> open;
    for (const TaskId task : tasks_.tasks.ids()) {
      if (num_before[task] == 0) open.push_back(task);
    }
    for (size_t i = 0; i < open.size(); ++i) {
      const int32_t next_depth = depth_[open[i]] + (is_candidate_[open[i]] ? 1 : 0);
      for (const TaskId next : after[open[i]]) {
        depth_[next] = std::max(depth_[next], next_depth);
        if (--num_before[next] == 0) open.push_back(next);
      }
    }
  }

  void add(std::vector<Launch>& launches, TaskId task) const {
    for (Launch& launch : launches) {
      if (launch.size() == kMaxOpsInLaunch || is_beside(task, launch)) continue;
      launch.push_back(task);
      return;
    }
    launches.push_back({task});
  }

  /// Whether an edge of any distance joins them: what one reads of the step before, the other may
  /// be replacing.
  bool is_beside(TaskId task, const Launch& launch) const {
    return std::any_of(launch.begin(), launch.end(), [&](TaskId other) {
      return neighbours_.contains({task, other}) || neighbours_.contains({other, task});
    });
  }

  const TaskGraph& tasks_;
  IdVector<TaskId, bool> is_candidate_;
  IdVector<TaskId, int32_t> depth_;
  std::set<std::pair<TaskId, TaskId>> neighbours_;
};

}  // namespace

bool may_share_launch(const Node& node) {
  return node.updates.has_value() && !node.keep && node.op->may_share_launch;
}

bool may_share_launch(const TaskGraph& tasks, TaskId task) {
  const PlacedOp& op = tasks.placed->ops[tasks.tasks[task].op];
  return op.kind == PlacedOpKind::kNode && !op.rows &&
         may_share_launch(tasks.placed->graph->nodes[*op.node]);
}

std::vector<Launch> joint_launches(const TaskGraph& tasks) { return LaunchFinder(tasks).find(); }

}  // namespace graphc
