#include "compiler/solve/schedule/interval_passes.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace graphc {
namespace {

/// From the first start to the last end.
struct TimeSpan {
  int64_t start_ns = std::numeric_limits<int64_t>::max();
  int64_t end_ns = std::numeric_limits<int64_t>::min();

  void add(int64_t from_ns, int64_t to_ns) {
    start_ns = std::min(start_ns, from_ns);
    end_ns = std::max(end_ns, to_ns);
  }
  int64_t length_ns() const { return end_ns < start_ns ? 0 : end_ns - start_ns; }
};

}  // namespace

IntervalPasses::IntervalPasses(const SchedulingProblem& problem, const Stages& stages,
                               const SchedulingSolution& previous_interval)
    : problem_(problem),
      stages_(stages),
      before_(neighbours(Direction::kBackwards)),
      after_(neighbours(Direction::kForwards)),
      forward_ranks_(ranks(after_)),
      backward_ranks_(ranks(before_)),
      ready_ns_(problem.tasks.size(), 0),
      table_(problem) {
  for (const SchedulingEdge& edge : problem.edges) {
    const int32_t distance = interval_distance(edge, stages);
    if (distance == 0) continue;
    edges_across_.push_back({edge.from, edge.to, distance, edge.is_storage});
    const int64_t arrival_ns =
        previous_interval.tasks[edge.from].end_ns - distance * previous_interval.interval_ns;
    ready_ns_[edge.to] = std::max(ready_ns_[edge.to], arrival_ns);
  }
}

IntervalPasses::Neighbours IntervalPasses::neighbours(Direction direction) const {
  const auto near_of = [&](const SchedulingEdge& edge) {
    return direction == Direction::kForwards ? edge.from : edge.to;
  };
  Neighbours neighbours{std::vector<size_t>(problem_.tasks.size() + 1, 0), {}};
  for (const SchedulingEdge& edge : problem_.edges) {
    if (interval_distance(edge, stages_) == 0) ++neighbours.begins[near_of(edge).index() + 1];
  }
  for (size_t i = 1; i < neighbours.begins.size(); ++i) {
    neighbours.begins[i] += neighbours.begins[i - 1];
  }
  neighbours.tasks.resize(neighbours.begins.back());
  std::vector<size_t> next = neighbours.begins;
  for (const SchedulingEdge& edge : problem_.edges) {
    if (interval_distance(edge, stages_) != 0) continue;
    neighbours.tasks[next[near_of(edge).index()]++] =
        direction == Direction::kForwards ? edge.to : edge.from;
  }
  return neighbours;
}

/// By how many tasks that take no time come before a task without a break, at the most, then by
/// name: what ends when it begins cannot be told from it by time. `next` is what comes after a task
/// in the direction of a pass.
IdVector<TaskId, int32_t> IntervalPasses::ranks(const Neighbours& next) const {
  IdVector<TaskId, int32_t> depths(problem_.tasks.size(), 0);
  std::vector<TaskId> open;
  for (const TaskId task : problem_.tasks.ids()) {
    if (problem_.tasks[task].cost.duration_ns() == 0) open.push_back(task);
  }
  // Edges within an interval form no cycle, so this ends; each pass settles one more of a chain.
  while (!open.empty()) {
    std::vector<TaskId> raised;
    for (const TaskId task : open) {
      for (const TaskId after : next.of(task)) {
        if (depths[after] > depths[task]) continue;
        depths[after] = depths[task] + 1;
        if (problem_.tasks[after].cost.duration_ns() == 0) raised.push_back(after);
      }
    }
    open = std::move(raised);
  }
  std::vector<TaskId> order;
  for (const TaskId task : problem_.tasks.ids()) order.push_back(task);
  std::sort(order.begin(), order.end(), [&](TaskId a, TaskId b) {
    return std::tuple(depths[a], problem_.tasks[a].name_rank) <
           std::tuple(depths[b], problem_.tasks[b].name_rank);
  });
  IdVector<TaskId, int32_t> ranks(order.size(), 0);
  for (size_t i = 0; i < order.size(); ++i) ranks[order[i]] = static_cast<int32_t>(i);
  return ranks;
}

void IntervalPasses::sort_by(const Keys& keys, int64_t sign,
                             const IdVector<TaskId, int32_t>& ranks) {
  sorted_.clear();
  for (const TaskId task : problem_.tasks.ids()) {
    sorted_.emplace_back(sign * keys[task], ranks[task], task);
  }
  std::sort(sorted_.begin(), sorted_.end());
}

void IntervalPasses::fill(const Keys& keys, Filled& filled) {
  sort_by(keys, 1, forward_ranks_);
  filled.slots.resize(problem_.tasks.size());
  filled.order.clear();
  table_.clear();
  for (const auto& [key, rank, task] : sorted_) {
    int64_t ready_ns = ready_ns_[task];
    for (const TaskId other : before_.of(task)) {
      ready_ns = std::max(ready_ns, end_ns(other, filled));
    }
    filled.slots[task] = table_.reserve(task, ready_ns, Direction::kForwards);
    filled.order.push_back(task);
  }
}

void IntervalPasses::latest_starts(const Keys& ends_ns, Keys& starts_ns) {
  sort_by(ends_ns, -1, backward_ranks_);
  starts_ns.resize(problem_.tasks.size());
  table_.clear();
  for (const auto& [key, rank, task] : sorted_) {
    const TaskCost& cost = problem_.tasks[task].cost;
    int64_t ready_ns = 0;  // in reversed time
    for (const TaskId next : after_.of(task)) ready_ns = std::max(ready_ns, -starts_ns[next]);
    const auto slot = table_.reserve(task, ready_ns, Direction::kBackwards);
    starts_ns[task] = -(slot.start_ns + cost.duration_ns());
  }
}

int64_t IntervalPasses::period_ns(const Filled& filled) const {
  IdVector<LaneId, TimeSpan> lanes(problem_.num_lanes);
  IdVector<SharedResourceId, TimeSpan> resources(problem_.num_resources);
  for (const TaskId task : problem_.tasks.ids()) {
    const SchedulingTask& spec = problem_.tasks[task];
    const auto& [lane, start_ns] = filled.slots[task];
    lanes[lane].add(start_ns, start_ns + spec.cost.duration_ns());
    const std::vector<SharedResourceId>& ids = problem_.groups[spec.group].resources;
    const int64_t part_ns = start_ns + spec.cost.latency_ns;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (spec.cost.shared_ns[i] == 0) continue;
      resources[ids[i]].add(part_ns, part_ns + spec.cost.shared_ns[i]);
    }
  }
  int64_t period_ns = 0;
  for (const TimeSpan& span : lanes) period_ns = std::max(period_ns, span.length_ns());
  for (const TimeSpan& span : resources) period_ns = std::max(period_ns, span.length_ns());
  for (const SchedulingEdge& edge : edges_across_) {
    const int64_t late_ns = end_ns(edge.from, filled) - filled.slots[edge.to].start_ns;
    if (late_ns <= 0) continue;
    period_ns = std::max(period_ns, (late_ns + edge.distance - 1) / edge.distance);
  }
  return period_ns;
}

SchedulingSolution IntervalPasses::solution_of(const Filled& filled) const {
  SchedulingSolution solution;
  solution.tasks = IdVector<TaskId, ScheduledTask>(problem_.tasks.size());
  solution.lanes = IdVector<LaneId, std::vector<TaskId>>(problem_.num_lanes);
  for (const TaskId task : filled.order) {
    const auto& [lane, start_ns] = filled.slots[task];
    solution.tasks[task] = {lane, stages_[task], start_ns, end_ns(task, filled),
                            Reason::kLeastSlack};
    solution.lanes[lane].push_back(task);
  }
  for (auto& lane : solution.lanes) {
    // What takes no time at the moment at which another task starts stands before it.
    std::stable_sort(lane.begin(), lane.end(), [&](TaskId a, TaskId b) {
      const ScheduledTask& first = solution.tasks[a];
      const ScheduledTask& second = solution.tasks[b];
      return std::pair(first.start_ns, first.end_ns) < std::pair(second.start_ns, second.end_ns);
    });
  }
  return solution;
}

}  // namespace graphc
