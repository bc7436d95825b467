#include "runtime/plan/simulate.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <queue>
#include <tuple>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

/// Times beyond this stand still instead of overflowing.
constexpr int64_t kEndOfTimeNs = std::numeric_limits<int64_t>::max() / 2;

int64_t later(int64_t time_ns, int64_t duration_ns) {
  return std::min(time_ns, kEndOfTimeNs) + std::min(duration_ns, kEndOfTimeNs);
}

int32_t last_stage(const LaneProgram& program) {
  int32_t stage = 0;
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) stage = std::max(stage, instruction.stage);
  }
  return stage;
}

/// At one time, what ends comes before what asks for a shared resource: it may ask, too.
enum class EventKind : uint8_t { kFinish, kRequest };

struct Event {
  int64_t time_ns = 0;
  EventKind kind = EventKind::kFinish;
  LaneId lane;
  bool operator>(const Event& other) const {
    return std::tie(time_ns, kind, lane) > std::tie(other.time_ns, other.kind, other.lane);
  }
};

/// One run. Every lane has at most one event in the queue: the end of what it runs, or its request
/// for the shared resource.
class Simulation {
 public:
  Simulation(const LaneProgram& program, int64_t num_steps)
      : program_(program),
        num_steps_(num_steps),
        num_intervals_(num_steps == 0 ? 0 : num_steps + last_stage(program)),
        num_finished_(program.lanes.size()),
        parked_(program.lanes.size()) {
    IdVector<LaneId, std::vector<Span>> empty(program.lanes.size());
    for (const LaneId lane : program.lanes.ids()) {
      empty[lane].resize(program.lanes[lane].size());
    }
    timeline_.intervals.assign(static_cast<size_t>(num_intervals_), empty);
  }

  Timeline run() {
    for (const LaneId lane : program_.lanes.ids()) ready_.push_back(lane);
    start_ready_lanes(0);
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      if (event.kind == EventKind::kRequest) {
        grant(event);
        continue;
      }
      finish(event.lane, event.time_ns);
      ready_.push_back(event.lane);
      start_ready_lanes(event.time_ns);
    }
    for (const LaneId lane : program_.lanes.ids()) {
      CHECK(num_finished_[lane] == length(lane) * num_intervals_,
            "a deadlocked program never ends");
    }
    return std::move(timeline_);
  }

 private:
  struct Parked {
    LaneId lane;
    int64_t target;
  };

  int64_t length(LaneId lane) const { return static_cast<int64_t>(program_.lanes[lane].size()); }

  const LaneInstruction& current(LaneId lane) const {
    return program_.lanes[lane][static_cast<size_t>(num_finished_[lane] % length(lane))];
  }

  Span& current_span(LaneId lane) {
    const auto [interval, position] = std::div(num_finished_[lane], length(lane));
    return timeline_.intervals[static_cast<size_t>(interval)][lane][static_cast<size_t>(position)];
  }

  /// Parks the lane and returns true if a wait does not hold yet.
  bool must_wait(LaneId lane) {
    const int64_t interval = num_finished_[lane] / length(lane);
    for (const Wait& wait : current(lane).waits) {
      const int64_t target = (interval - wait.distance) * length(wait.lane) + wait.count;
      if (num_finished_[wait.lane] >= target) continue;
      parked_[wait.lane].push_back({lane, target});
      return true;
    }
    return false;
  }

  bool is_skipped(LaneId lane) const {
    const int64_t step = num_finished_[lane] / length(lane) - current(lane).stage;
    return step < 0 || step >= num_steps_;
  }

  void start_ready_lanes(int64_t now_ns) {
    while (!ready_.empty()) {
      const LaneId lane = ready_.back();
      ready_.pop_back();
      while (num_finished_[lane] < length(lane) * num_intervals_ && !must_wait(lane)) {
        current_span(lane).start_ns = now_ns;
        if (!is_skipped(lane)) {
          start(lane, now_ns);
          break;
        }
        finish(lane, now_ns);
      }
    }
  }

  void start(LaneId lane, int64_t now_ns) {
    const TaskCost& cost = current(lane).cost;
    if (program_.shared[lane] && cost.shared_ns > 0) {
      events_.push({later(now_ns, cost.latency_ns), EventKind::kRequest, lane});
      return;
    }
    const int64_t end_ns = later(later(now_ns, cost.latency_ns), cost.work_ns);
    events_.push({end_ns, EventKind::kFinish, lane});
  }

  void grant(const Event& request) {
    const TaskCost& cost = current(request.lane).cost;
    int64_t& free_ns = resource_free_ns_[*program_.shared[request.lane]];
    const int64_t start_ns = std::max(request.time_ns, free_ns);
    free_ns = later(start_ns, cost.shared_ns);
    events_.push({later(start_ns, cost.work_ns), EventKind::kFinish, request.lane});
  }

  void finish(LaneId lane, int64_t now_ns) {
    current_span(lane).end_ns = now_ns;
    timeline_.end_ns = std::max(timeline_.end_ns, now_ns);
    ++num_finished_[lane];
    std::erase_if(parked_[lane], [&](const Parked& waiter) {
      if (waiter.target > num_finished_[lane]) return false;
      ready_.push_back(waiter.lane);
      return true;
    });
  }

  const LaneProgram& program_;
  int64_t num_steps_;
  int64_t num_intervals_;
  IdVector<LaneId, int64_t> num_finished_;  // the lane's counter, as waits see it
  IdVector<LaneId, std::vector<Parked>> parked_;
  std::vector<LaneId> ready_;
  std::map<SharedResourceId, int64_t> resource_free_ns_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Timeline timeline_;
};

/// What an interval asks of the busiest shared resource. Lanes that nothing couples drift apart,
/// and where one runs ahead it takes its turns before the window that is measured: yet no run of
/// many steps is faster than this.
int64_t busiest_shared_ns(const LaneProgram& program) {
  std::map<SharedResourceId, int64_t> busy_ns;
  int64_t busiest_ns = 0;
  for (const LaneId lane : program.lanes.ids()) {
    if (!program.shared[lane]) continue;
    int64_t& total_ns = busy_ns[*program.shared[lane]];
    for (const LaneInstruction& instruction : program.lanes[lane]) {
      total_ns = later(total_ns, instruction.cost.shared_ns);
    }
    busiest_ns = std::max(busiest_ns, total_ns);
  }
  return busiest_ns;
}

}  // namespace

Timeline simulate(const LaneProgram& program, int64_t num_steps) {
  CHECK(num_steps >= 0, "a number of steps is not negative");
  return Simulation(program, num_steps).run();
}

int64_t steady_interval_ns(const LaneProgram& program) {
  int32_t reach = last_stage(program);
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) {
      for (const Wait& wait : instruction.waits) reach = std::max(reach, wait.distance);
    }
  }
  // Waits of distance d can make the pattern repeat every 2 to d intervals only; a window of a
  // multiple of 12 measures periods of 1, 2, 3, 4, 6 and 12 intervals exactly.
  const int64_t window = 12 * std::max<int64_t>(1, (reach + 11) / 12);
  const int64_t first = 2 * static_cast<int64_t>(reach) + 4;
  const Timeline timeline = simulate(program, first + window + 1);

  // Lanes that nothing couples may have different slopes, the slowest of which sets the pace.
  int64_t slowest_ns = 0;
  for (const LaneId lane : program.lanes.ids()) {
    if (program.lanes[lane].empty()) continue;
    const auto end_ns = [&](int64_t interval) {
      return timeline.intervals[static_cast<size_t>(interval)][lane].back().end_ns;
    };
    slowest_ns = std::max(slowest_ns, end_ns(first + window) - end_ns(first));
  }
  return std::max((slowest_ns + window - 1) / window, busiest_shared_ns(program));
}

}  // namespace graphrt
