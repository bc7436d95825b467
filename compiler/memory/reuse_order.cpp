#include "compiler/memory/reuse_order.h"

#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>

#include "compiler/solve/schedule/lane_order.h"

namespace graphc {
namespace {

using Successors = IdVector<TaskId, std::vector<TaskId>>;

/// What must come later in the same interval: the next on the lane, and what depends on a task at
/// distance 0; where tasks share a launch, on any of them.
Successors successors_in_interval(const Schedule& schedule) {
  const SchedulingSolution& solution = schedule.solution;
  Successors after(solution.tasks.size());
  for (const std::vector<TaskId>& lane : solution.lanes) {
    for (size_t i = 1; i < lane.size(); ++i) after[lane[i - 1]].push_back(lane[i]);
  }
  const LaunchEnds ends = launch_ends(solution);
  for (const SchedulingEdge& edge : enforced_edges(schedule)) {
    const int32_t distance =
        edge.distance + solution.tasks[edge.to].stage - solution.tasks[edge.from].stage;
    if (distance == 0) after[ends.last[edge.from]].push_back(ends.first[edge.to]);
  }
  return after;
}

/// A place for every task that all of these agree with; of what may be next, what starts first.
IdVector<TaskId, int32_t> places_of(const Schedule& schedule) {
  const Successors after = successors_in_interval(schedule);
  IdVector<TaskId, int32_t> num_before(after.size(), 0);
  for (const std::vector<TaskId>& tasks : after) {
    for (const TaskId task : tasks) ++num_before[task];
  }
  using Entry = std::tuple<int64_t, TaskId>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  const auto add = [&](TaskId task) {
    const ScheduledTask& at = schedule.solution.tasks[task];
    ready.emplace(at.is_joined ? -1 : at.start_ns, task);  // nothing comes between a launch's tasks
  };
  for (const TaskId task : after.ids()) {
    if (num_before[task] == 0) add(task);
  }
  IdVector<TaskId, int32_t> places(after.size(), 0);
  int32_t num_placed = 0;
  while (!ready.empty()) {
    const TaskId task = std::get<TaskId>(ready.top());
    ready.pop();
    places[task] = num_placed++;
    for (const TaskId next : after[task]) {
      if (--num_before[next] == 0) add(next);
    }
  }
  CHECK(static_cast<size_t>(num_placed) == after.size(), "a verified schedule has no cycle");
  return places;
}

}  // namespace

ReuseOrder::ReuseOrder(const Schedule& schedule, const MessageLanes& lanes,
                       const HappensBefore& enforced)
    : schedule_(schedule), lanes_(lanes), enforced_(enforced), place_(places_of(schedule)) {}

int32_t ReuseOrder::listed_distance(const ValueAccess& first, const ValueAccess& second) const {
  return place_[first.task] < place_[second.task] ? 0 : 1;
}

int32_t ReuseOrder::timed_distance(const ValueAccess& first, const ValueAccess& second) const {
  const int64_t interval_ns = std::max<int64_t>(schedule_.solution.interval_ns, 1);
  const int64_t late_ns =
      schedule_.solution.tasks[first.task].end_ns - schedule_.solution.tasks[second.task].start_ns;
  const int64_t distance = late_ns <= 0 ? 0 : (late_ns + interval_ns - 1) / interval_ns;
  return std::max(static_cast<int32_t>(distance), listed_distance(first, second));
}

LiveInterval ReuseOrder::listed_life(const std::vector<ValueAccess>& accesses) const {
  LiveInterval life{std::numeric_limits<int64_t>::max(), 0};
  for (const ValueAccess& access : accesses) {
    const int64_t place =
        static_cast<int64_t>(place_.size()) * access.interval_offset + place_[access.task];
    life.begin = std::min(life.begin, place);
    life.end = std::max(life.end, place + 1);
  }
  return life;
}

int64_t ReuseOrder::enforced_begin(const ValueAccess& access, const LaneEnds& ends) const {
  int64_t begin = num_places();  // all of its own interval is over
  for (const LaneId lane : lanes_.tasks().ids()) {
    const std::vector<TaskId>& tasks = lanes_.tasks()[lane];
    // The first one that need not be over is of the earliest interval that has one.
    for (int32_t intervals = enforced_.horizon(); intervals >= 0; --intervals) {
      const auto end = std::lower_bound(ends[lane].begin(), ends[lane].end(),
                                        enforced_.prefix(access.position, lane, intervals));
      if (end == ends[lane].end()) continue;
      const TaskId task = tasks[static_cast<size_t>(*end)];
      begin = std::min(begin, place_[task] - intervals * num_places());
      break;
    }
  }
  return access.interval_offset * num_places() + begin;
}

LiveInterval ReuseOrder::enforced_life(const std::vector<ValueAccess>& accesses,
                                       const LaneEnds& ends) const {
  LiveInterval life = listed_life(accesses);
  for (const ValueAccess& access : accesses) {
    life.begin = std::min(life.begin, enforced_begin(access, ends));
  }
  return life;
}

LeastDistance ReuseOrder::distances(ReusePolicy policy) const {
  LeastDistance enforced = distances_in(enforced_);
  if (policy == ReusePolicy::kAsEnforced) return enforced;
  return [this, policy, enforced](const ValueAccess& first, const ValueAccess& second) {
    const int32_t added = policy == ReusePolicy::kAsTimed ? timed_distance(first, second)
                                                          : listed_distance(first, second);
    return std::optional(std::min(enforced(first, second).value_or(added), added));
  };
}

std::vector<SchedulingEdge> ReuseOrder::edges_between(const std::vector<ValueAccess>& a,
                                                      const std::vector<ValueAccess>& b,
                                                      int32_t steps, ShareKind kind,
                                                      int64_t shift_bytes) const {
  std::vector<SchedulingEdge> edges;
  for (const ValueAccess& first : a) {
    for (const ValueAccess& second : b) {
      // Every read comes after a write of what it reads, so what has to wait is writes.
      if (!second.is_write) continue;
      if (is_exempt(schedule_.tasks->placed, first, second, kind, shift_bytes)) continue;
      const int32_t intervals = steps + second.interval_offset - first.interval_offset;
      if (enforced_.is_ordered(first.position, second.position, intervals)) continue;
      const int32_t stages =
          schedule_.solution.tasks[second.task].stage - schedule_.solution.tasks[first.task].stage;
      edges.push_back({first.task, second.task, intervals - stages, true});
    }
  }
  return edges;
}

}  // namespace graphc
