#include "compiler/solve/schedule/modulo_lanes.h"

#include <algorithm>
#include <queue>
#include <utility>

#include "compiler/solve/floor_div.h"

namespace graphc {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/// By how much a task is to be raised; the highest raise first, which no other can exceed any more.
struct Raise {
  int64_t raise_ns = 0;
  TaskId task;
  bool operator<(const Raise& other) const {
    if (raise_ns != other.raise_ns) return raise_ns < other.raise_ns;
    return other.task < task;
  }
};

}  // namespace

ModuloLanes::ModuloLanes(const Loop& loop, int64_t interval_ns, IdVector<TaskId, int64_t> start_ns)
    : loop_(&loop),
      interval_ns_(interval_ns),
      start_ns_(std::move(start_ns)),
      places_(loop.tasks.size()),
      orders_(loop.num_lanes),
      busy_ns_(loop.num_lanes, 0),
      out_(loop.tasks.size()),
      in_(loop.tasks.size()),
      reached_(loop.tasks.size()) {
  CHECK(interval_ns > 0, "an interval takes time");
  for (const SchedulingEdge& edge : loop.edges) {
    if (edge.from == edge.to) continue;
    out_[edge.from].push_back(edge);
    in_[edge.to].push_back(edge);
  }
  satisfy();
}

void ModuloLanes::satisfy() {
  std::queue<TaskId> raised;
  IdVector<TaskId, bool> is_queued(loop_->tasks.size(), true);
  for (const TaskId task : loop_->tasks.ids()) raised.push(task);
  while (!raised.empty()) {
    const TaskId task = raised.front();
    raised.pop();
    is_queued[task] = false;
    demands_of(task, start_ns_[task], demands_);
    for (const Demand& demand : demands_) {
      if (start_ns_[demand.to] >= demand.start_ns) continue;
      start_ns_[demand.to] = demand.start_ns;
      if (!is_queued[demand.to]) raised.push(demand.to);
      is_queued[demand.to] = true;
    }
  }
}

void ModuloLanes::set_longer_interval(int64_t interval_ns) {
  CHECK(interval_ns >= interval_ns_, "an interval only becomes longer");
  const int64_t added_ns = interval_ns - interval_ns_;
  for (int64_t& start_ns : start_ns_) start_ns += floor_div(start_ns, interval_ns_) * added_ns;
  interval_ns_ = interval_ns;
  satisfy();
}

/// When `second` can start behind `first` on the same lane, `turns` being how much its turn is
/// higher.
int64_t ModuloLanes::behind_ns(TaskId first, int64_t first_start_ns, TaskId second,
                               int64_t turns) const {
  const LoopTask& task = loop_->tasks[first];
  return first_start_ns + task.busy_from_ns + task.busy_ns + turns * interval_ns_ -
         loop_->tasks[second].busy_from_ns;
}

std::optional<ModuloLanes::Neighbour> ModuloLanes::neighbour_before(const ModuloSlot& slot) const {
  const auto& order = orders_[slot.lane];
  if (order.empty()) return std::nullopt;
  const TaskId task = slot.index > 0 ? order[slot.index - 1] : order.back();
  return Neighbour{task, places_[task]->turn + (slot.index > 0 ? 0 : 1)};
}

std::optional<ModuloLanes::Neighbour> ModuloLanes::neighbour_behind(const ModuloSlot& slot) const {
  const auto& order = orders_[slot.lane];
  if (order.empty()) return std::nullopt;
  const bool is_last = slot.index >= order.size();
  const TaskId task = is_last ? order.front() : order[slot.index];
  return Neighbour{task, places_[task]->turn - (is_last ? 1 : 0)};
}

/// What all that depends on `task`, and what is behind it on its lane, have to keep if it starts at
/// `start_ns`.
void ModuloLanes::demands_of(TaskId task, int64_t start_ns, std::vector<Demand>& demands) {
  demands.clear();
  for (const SchedulingEdge& edge : out_[task]) {
    demands.push_back({edge.to, after_edge_ns(edge, start_ns), false});
  }
  if (const auto& place = places_[task]) {
    const ModuloSlot behind{place->lane, place->index + 1, 0, 0};
    const Neighbour next = *neighbour_behind(behind);
    if (next.task != task) {
      demands.push_back(
          {next.task, behind_ns(task, start_ns, next.task, next.turn - place->turn), true});
    }
  }
  work_ += 1 + static_cast<int64_t>(demands.size());
}

std::optional<int64_t> ModuloLanes::earliest_ns(TaskId task) const {
  std::optional<int64_t> earliest_ns;
  for (const SchedulingEdge& edge : in_[task]) {
    const int64_t ready_ns = after_edge_ns(edge, start_ns_[edge.from]);
    earliest_ns = std::max(earliest_ns.value_or(ready_ns), ready_ns);
  }
  return earliest_ns;
}

std::vector<ModuloSlot> ModuloLanes::slots_for(TaskId task, int64_t earliest_ns) {
  const LoopTask& spec = loop_->tasks[task];
  const int64_t wanted_ns = earliest_ns + spec.busy_from_ns;
  std::vector<ModuloSlot> slots;
  const auto taken_ns = [&](TaskId other) {
    return start_ns_[other] + loop_->tasks[other].busy_from_ns -
           places_[other]->turn * interval_ns_;
  };
  for (const LaneId lane : spec.lanes) {
    const auto& order = orders_[lane];
    if (order.empty()) slots.push_back({lane, 0, 0, 0});
    for (size_t i = 1; i <= order.size(); ++i) {
      const int64_t free_ns = taken_ns(order[i - 1]) + loop_->tasks[order[i - 1]].busy_ns;
      const int64_t end_ns =
          i < order.size() ? taken_ns(order[i]) : taken_ns(order.front()) + interval_ns_;
      // The first turn in which nothing behind it has to give way to a late start; in the one
      // before, it has.
      const int64_t last_turn = ceil_div(wanted_ns - end_ns + spec.busy_ns, interval_ns_);
      for (const int64_t turn : {last_turn, last_turn - 1}) {
        const int64_t at_ns = std::max(wanted_ns, free_ns + turn * interval_ns_);
        const int64_t push_ns = at_ns + spec.busy_ns - end_ns - turn * interval_ns_;
        slots.push_back({lane, i, turn, at_ns - wanted_ns + std::max<int64_t>(push_ns, 0)});
      }
    }
    work_ += 1 + static_cast<int64_t>(order.size());
  }
  std::stable_sort(slots.begin(), slots.end(),
                   [](const ModuloSlot& a, const ModuloSlot& b) { return a.cost_ns < b.cost_ns; });
  return slots;
}

std::vector<ModuloSlot> ModuloLanes::gaps_for(TaskId task) {
  const LoopTask& spec = loop_->tasks[task];
  std::vector<std::pair<int64_t, ModuloSlot>> slots;
  for (const LaneId lane : spec.lanes) {
    const auto& order = orders_[lane];
    if (order.empty()) slots.push_back({interval_ns_ - spec.busy_ns, {lane, 0, 0, 0}});
    for (size_t i = 1; i <= order.size(); ++i) {
      const ModuloSlot slot{lane, i, places_[order[i - 1]]->turn, 0};
      const Neighbour behind = *neighbour_behind(slot);
      const int64_t end_ns = start_ns_[behind.task] + loop_->tasks[behind.task].busy_from_ns -
                             (behind.turn - slot.turn) * interval_ns_;
      const int64_t left_ns = end_ns - free_ns(task, slot) - spec.busy_from_ns - spec.busy_ns;
      slots.push_back({left_ns, {lane, i, slot.turn, std::max<int64_t>(-left_ns, 0)}});
    }
    work_ += 1 + static_cast<int64_t>(order.size());
  }
  std::stable_sort(slots.begin(), slots.end(), [](const auto& a, const auto& b) {
    return std::pair(a.second.cost_ns, a.first) < std::pair(b.second.cost_ns, b.first);
  });
  std::vector<ModuloSlot> sorted;
  for (const auto& [left_ns, slot] : slots) sorted.push_back(slot);
  return sorted;
}

int64_t ModuloLanes::free_ns(TaskId task, const ModuloSlot& slot) const {
  const auto before = neighbour_before(slot);
  if (!before) return 0;
  return behind_ns(before->task, start_ns_[before->task], task, slot.turn - before->turn);
}

ModuloTrial ModuloLanes::trial(TaskId task, const ModuloSlot& slot, int64_t earliest_ns) {
  ++round_;
  const auto before = neighbour_before(slot);
  const auto behind = neighbour_behind(slot);
  ModuloTrial trial;
  trial.start_ns = before ? std::max(free_ns(task, slot), earliest_ns) : earliest_ns;

  std::priority_queue<Raise> queue;
  const auto push = [&](TaskId from, const Demand& demand) {
    const int64_t raise_ns = demand.start_ns - start_ns_[demand.to];
    if (raise_ns <= 0) return;
    Reached& reached = reached_[demand.to];
    if (reached.round == round_ && reached.raise_ns >= raise_ns) return;
    reached = {round_, raise_ns, from, demand.is_of_lane, false};
    queue.push({raise_ns, demand.to});
  };
  // What the task asks for comes back to it: every task on the way stands in the way.
  const auto give_up = [&](TaskId last, bool is_by_lane, int64_t excess_ns) {
    trial.excess_ns = excess_ns;
    if (is_by_lane) trial.conflicts.push_back(last);
    for (TaskId at = last; at != task; at = reached_[at].from) {
      if (!reached_[at].is_by_lane) continue;
      trial.conflicts.push_back(at);
      if (reached_[at].from != task) trial.conflicts.push_back(reached_[at].from);
    }
    return trial;
  };

  for (const SchedulingEdge& edge : out_[task]) {
    push(task, {edge.to, after_edge_ns(edge, trial.start_ns), false});
  }
  if (behind) {
    const int64_t turns = behind->turn - slot.turn;
    push(task, {behind->task, behind_ns(task, trial.start_ns, behind->task, turns), true});
  }
  while (!queue.empty()) {
    const auto [raise_ns, at] = queue.top();
    queue.pop();
    if (reached_[at].is_settled) continue;
    reached_[at].is_settled = true;
    const int64_t start_ns = start_ns_[at] + raise_ns;
    trial.moved.emplace_back(at, start_ns);
    trial.raised_ns += raise_ns;
    if (before && before->task == at) {
      const int64_t free_ns = behind_ns(at, start_ns, task, slot.turn - before->turn);
      if (free_ns > trial.start_ns) return give_up(at, true, free_ns - trial.start_ns);
    }
    demands_of(at, start_ns, demands_);
    for (const Demand& next : demands_) {
      if (next.to != task) push(at, next);
      if (next.to == task && next.start_ns > trial.start_ns) {
        return give_up(at, false, next.start_ns - trial.start_ns);
      }
    }
  }
  trial.fits = true;
  return trial;
}

void ModuloLanes::place(TaskId task, const ModuloSlot& slot, const ModuloTrial& trial) {
  start_ns_[task] = trial.start_ns;
  for (const auto& [moved, start_ns] : trial.moved) start_ns_[moved] = start_ns;
  auto& order = orders_[slot.lane];
  order.insert(order.begin() + static_cast<std::ptrdiff_t>(slot.index), task);
  places_[task] = Place{slot.lane, slot.index, slot.turn};
  busy_ns_[slot.lane] += loop_->tasks[task].busy_ns;
  renumber(slot.lane, slot.index);
}

void ModuloLanes::remove(TaskId task, ModuloSlot& kept) {
  const Place place = *places_[task];
  auto& order = orders_[place.lane];
  order.erase(order.begin() + static_cast<std::ptrdiff_t>(place.index));
  places_[task].reset();
  busy_ns_[place.lane] -= loop_->tasks[task].busy_ns;
  renumber(place.lane, place.index);
  if (kept.lane == place.lane && kept.index > place.index) --kept.index;
}

void ModuloLanes::renumber(LaneId lane, size_t from) {
  auto& order = orders_[lane];
  for (size_t i = from; i < order.size(); ++i) places_[order[i]]->index = i;
}

std::optional<int64_t> ModuloLanes::slack_ns(TaskId task) {
  // Shortest ways by slack from `task`, as raises of minus that.
  ++round_;
  std::priority_queue<Raise> queue;
  queue.push({0, task});
  bool is_start = true;
  while (!queue.empty()) {
    const auto [raise_ns, at] = queue.top();
    queue.pop();
    if (at == task && !is_start) return -raise_ns;
    is_start = false;
    if (at != task) {
      if (reached_[at].is_settled) continue;
      reached_[at].is_settled = true;
    }
    demands_of(at, start_ns_[at], demands_);
    for (const Demand& demand : demands_) {
      const int64_t next_ns = raise_ns + demand.start_ns - start_ns_[demand.to];
      Reached& reached = reached_[demand.to];
      if (reached.round == round_ && reached.raise_ns >= next_ns) continue;
      reached = {round_, next_ns, at, false, false};
      queue.push({next_ns, demand.to});
    }
  }
  return std::nullopt;
}

}  // namespace graphc
