#include "runtime/proof/simulate.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <span>
#include <tuple>

#include "runtime/base/check.h"
#include "runtime/proof/resource_times.h"

namespace graphrt {
namespace {

int32_t last_stage(const LaneProgram& program) {
  int32_t stage = 0;
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) stage = std::max(stage, instruction.stage);
  }
  return stage;
}

size_t num_resources(const LaneProgram& program) {
  size_t number = 0;
  for (const auto& ids : program.resources) {
    for (const SharedResourceId id : ids) number = std::max(number, id.index() + 1);
  }
  return number;
}

/// At one time, what ends comes before what asks for shared resources: it may ask, too.
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
/// for its shared resources. `Recorder` is told every start and end.
///
/// Of a lane of messages, `interval` and `position` are of the first whose waits have not held yet.
/// A message starts once the waits of both of its ends have held, and its latency passes beside
/// other messages; their bytes move one after the other, and so they arrive:
///
///   send      | latency |....| bytes |                 .... the message before, shared resources
///                  | latency |.......| bytes |
///   receive                          | own time |      from when the bytes are there
template <class Recorder>
class Simulation {
 public:
  Simulation(const LaneProgram& program, int64_t num_steps, Recorder& recorder)
      : program_(program),
        num_steps_(num_steps),
        num_intervals_(intervals_of(program, num_steps)),
        recorder_(recorder),
        lanes_(program.lanes.size()),
        resources_(num_resources(program)) {
    for (const LaneId lane : program.lanes.ids()) {
      lanes_[lane].length = static_cast<int64_t>(program.lanes[lane].size());
      lanes_[lane].resources = program.resources[lane];
    }
    for (const LanePair& pair : program.pairs) {
      lanes_[pair.send].channel = lanes_[pair.receive].channel = channels_.size();
      channels_.push_back({pair, 0, {}, {}});
    }
  }

  static int64_t intervals_of(const LaneProgram& program, int64_t num_steps) {
    return num_steps == 0 ? 0 : num_steps + last_stage(program);
  }

  /// The time at which all is over.
  int64_t run() {
    for (const LaneId lane : program_.lanes.ids()) ready_.push_back(lane);
    start_ready_lanes(0);
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      if (event.kind == EventKind::kRequest) {
        grant(event);
        continue;
      }
      if (lanes_[event.lane].channel) {
        end_message(event.lane, event.time_ns);
      } else {
        finish(event.lane, event.time_ns);
        ready_.push_back(event.lane);
      }
      start_ready_lanes(event.time_ns);
    }
    for (const Lane& lane : lanes_) {
      CHECK(lane.num_finished == lane.length * num_intervals_, "a deadlocked program never ends");
    }
    return end_ns_;
  }

 private:
  struct Parked {
    LaneId lane;
    int64_t target;
  };
  struct Lane {
    int64_t length = 0;
    int64_t num_finished = 0;  ///< the lane's counter, as waits see it
    int64_t interval = 0;      ///< of the instruction that is next
    int64_t position = 0;
    std::span<const SharedResourceId> resources;
    std::vector<Parked> parked;  ///< who waits for this lane
    std::optional<size_t> channel;
  };
  struct Started {
    int64_t start_ns = 0;
    int64_t ready_ns = 0;  ///< its latency is over
  };
  /// Both ends of messages.
  struct Channel {
    LanePair lanes;
    int64_t num_started = 0;
    std::deque<Started> sent;      ///< that have not ended; the bytes of the first are next
    std::deque<int64_t> received;  ///< starts of those that have arrived, and not ended
  };

  const LaneInstruction& current(LaneId id) const {
    return program_.lanes[id][static_cast<size_t>(lanes_[id].position)];
  }
  /// What the lane's next event is about.
  const LaneInstruction& at_work(LaneId id) const {
    const Lane& lane = lanes_[id];
    if (!lane.channel) return current(id);
    return program_.lanes[id][static_cast<size_t>(lane.num_finished % lane.length)];
  }

  /// Parks the lane and returns true if a wait does not hold yet.
  bool must_wait(LaneId id) {
    const int64_t interval = lanes_[id].interval;
    for (const Wait& wait : current(id).waits) {
      Lane& other = lanes_[wait.lane];
      const int64_t target = (interval - wait.distance) * other.length + wait.count;
      if (other.num_finished >= target) continue;
      other.parked.push_back({id, target});
      return true;
    }
    return false;
  }

  bool is_skipped(LaneId id) const { return is_outside(lanes_[id].interval - current(id).stage); }
  bool is_outside(int64_t step) const { return step < 0 || step >= num_steps_; }

  void start_ready_lanes(int64_t now_ns) {
    while (!ready_.empty()) {
      const LaneId id = ready_.back();
      ready_.pop_back();
      const Lane& lane = lanes_[id];
      if (lane.channel) {
        start_messages(id, now_ns);
        continue;
      }
      while (lane.length > 0 && lane.interval < num_intervals_ && !must_wait(id)) {
        recorder_.start(id, lane.interval, lane.position, now_ns);
        if (!is_skipped(id)) {
          start(id, now_ns);
          break;
        }
        finish(id, now_ns);
      }
    }
  }

  /// Those that the lane has come to, as far as the other end has, too.
  void start_messages(LaneId id, int64_t now_ns) {
    Lane& lane = lanes_[id];
    while (lane.interval < num_intervals_ && !is_full(lane) && !must_wait(id)) move_on(lane);
    Channel& channel = channels_[*lane.channel];
    const LaneId send = channel.lanes.send;
    const int64_t num_able =
        std::min(num_reached(lanes_[send]), num_reached(lanes_[channel.lanes.receive]));
    for (; channel.num_started < num_able; ++channel.num_started) {
      const Lane& sends = lanes_[send];
      const auto& message =
          program_.lanes[send][static_cast<size_t>(channel.num_started % sends.length)];
      const bool is_skipped = is_outside(channel.num_started / sends.length - message.stage);
      const int64_t latency_ns = is_skipped ? 0 : message.cost.latency_ns;
      channel.sent.push_back({now_ns, later(now_ns, latency_ns)});
      if (channel.sent.size() == 1) move_bytes(channel, now_ns);
    }
  }

  static int64_t num_reached(const Lane& lane) {
    return lane.interval * lane.length + lane.position;
  }
  /// Whether the lane's next message is still at work for the interval before.
  static bool is_full(const Lane& lane) {
    return num_reached(lane) - lane.num_finished == lane.length;
  }

  /// Of the first message that is sent.
  void move_bytes(Channel& channel, int64_t now_ns) {
    const LaneId send = channel.lanes.send;
    const int64_t ready_ns = std::max(now_ns, channel.sent.front().ready_ns);
    if (is_outside(step_at_work(send))) {
      events_.push({ready_ns, EventKind::kFinish, send});
    } else {
      work(send, ready_ns);
    }
  }

  int64_t step_at_work(LaneId message_lane) const {
    const Lane& lane = lanes_[message_lane];
    return lane.num_finished / lane.length - at_work(message_lane).stage;
  }

  void end_message(LaneId id, int64_t now_ns) {
    Lane& lane = lanes_[id];
    Channel& channel = channels_[*lane.channel];
    const bool is_send = id == channel.lanes.send;
    const int64_t start_ns = is_send ? channel.sent.front().start_ns : channel.received.front();
    const bool is_skipped = is_outside(step_at_work(id));
    recorder_.start(id, lane.num_finished / lane.length, lane.num_finished % lane.length,
                    is_skipped ? now_ns : start_ns);
    recorder_.end(id, lane.num_finished / lane.length, lane.num_finished % lane.length, now_ns);
    end_ns_ = std::max(end_ns_, now_ns);
    if (is_full(lane)) ready_.push_back(id);
    ++lane.num_finished;
    wake(lane);
    if (is_send) {
      channel.sent.pop_front();
      if (!channel.sent.empty()) move_bytes(channel, now_ns);
      channel.received.push_back(start_ns);
      if (channel.received.size() == 1) take_in(channel.lanes.receive, now_ns);
    } else {
      channel.received.pop_front();
      if (!channel.received.empty()) take_in(id, now_ns);
    }
  }

  void take_in(LaneId receive, int64_t now_ns) {
    const int64_t own_ns =
        is_outside(step_at_work(receive)) ? 0 : at_work(receive).cost.duration_ns();
    events_.push({later(now_ns, own_ns), EventKind::kFinish, receive});
  }

  void start(LaneId id, int64_t now_ns) { work(id, later(now_ns, current(id).cost.latency_ns)); }

  void work(LaneId id, int64_t work_start_ns) {
    const TaskCost& cost = at_work(id).cost;
    const bool asks = takes_resources(id, cost);
    events_.push({asks ? work_start_ns : later(work_start_ns, cost.work_ns),
                  asks ? EventKind::kRequest : EventKind::kFinish, id});
  }

  bool takes_resources(LaneId id, const TaskCost& cost) const {
    for (size_t i = 0; i < lanes_[id].resources.size(); ++i) {
      if (cost.shared_ns[i] > 0) return true;
    }
    return false;
  }

  void grant(const Event& request) {
    const TaskCost& cost = at_work(request.lane).cost;
    const int64_t start_ns = resources_.take(lanes_[request.lane].resources, cost, request.time_ns);
    events_.push({later(start_ns, cost.work_ns), EventKind::kFinish, request.lane});
  }

  void finish(LaneId id, int64_t now_ns) {
    Lane& lane = lanes_[id];
    recorder_.end(id, lane.interval, lane.position, now_ns);
    end_ns_ = std::max(end_ns_, now_ns);
    ++lane.num_finished;
    move_on(lane);
    wake(lane);
  }

  static void move_on(Lane& lane) {
    if (++lane.position < lane.length) return;
    lane.position = 0;
    ++lane.interval;
  }

  void wake(Lane& lane) {
    if (lane.parked.empty()) return;
    std::erase_if(lane.parked, [&](const Parked& waiter) {
      if (waiter.target > lane.num_finished) return false;
      ready_.push_back(waiter.lane);
      return true;
    });
  }

  const LaneProgram& program_;
  int64_t num_steps_;
  int64_t num_intervals_;
  Recorder& recorder_;
  IdVector<LaneId, Lane> lanes_;
  std::vector<Channel> channels_;
  std::vector<LaneId> ready_;
  ResourceTimes resources_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  int64_t end_ns_ = 0;
};

/// Every start and end.
class TimelineRecorder {
 public:
  TimelineRecorder(const LaneProgram& program, int64_t num_intervals) {
    IdVector<LaneId, std::vector<Span>> empty(program.lanes.size());
    for (const LaneId lane : program.lanes.ids()) empty[lane].resize(program.lanes[lane].size());
    timeline.intervals.assign(static_cast<size_t>(num_intervals), empty);
  }
  void start(LaneId lane, int64_t interval, int64_t position, int64_t time_ns) {
    span(lane, interval, position).start_ns = time_ns;
  }
  void end(LaneId lane, int64_t interval, int64_t position, int64_t time_ns) {
    span(lane, interval, position).end_ns = time_ns;
  }

  Timeline timeline;

 private:
  Span& span(LaneId lane, int64_t interval, int64_t position) {
    return timeline.intervals[static_cast<size_t>(interval)][lane][static_cast<size_t>(position)];
  }
};

/// How long every lane takes from the end of one interval to that of another.
class SlopeRecorder {
 public:
  SlopeRecorder(const LaneProgram& program, int64_t first, int64_t last)
      : program_(program), first_(first), last_(last), slopes_ns_(program.lanes.size(), 0) {}
  void start(LaneId, int64_t, int64_t, int64_t) {}
  void end(LaneId lane, int64_t interval, int64_t position, int64_t time_ns) {
    if (static_cast<size_t>(position) + 1 < program_.lanes[lane].size()) return;
    if (interval == first_) slopes_ns_[lane] -= time_ns;
    if (interval == last_) slopes_ns_[lane] += time_ns;
  }
  const IdVector<LaneId, int64_t>& slopes_ns() const { return slopes_ns_; }

 private:
  const LaneProgram& program_;
  int64_t first_;
  int64_t last_;
  IdVector<LaneId, int64_t> slopes_ns_;
};

struct NoRecorder {
  void start(LaneId, int64_t, int64_t, int64_t) {}
  void end(LaneId, int64_t, int64_t, int64_t) {}
};

/// What an interval asks of the busiest shared resource. Lanes that nothing couples drift apart,
/// and where one runs ahead it takes its turns before the window that is measured: yet no run of
/// many steps is faster than this.
int64_t busiest_shared_ns(const LaneProgram& program) {
  std::map<SharedResourceId, int64_t> busy_ns;
  int64_t busiest_ns = 0;
  for (const LaneId lane : program.lanes.ids()) {
    for (size_t i = 0; i < program.resources[lane].size(); ++i) {
      int64_t& total_ns = busy_ns[program.resources[lane][i]];
      for (const LaneInstruction& instruction : program.lanes[lane]) {
        total_ns = later(total_ns, instruction.cost.shared_ns[i]);
      }
      busiest_ns = std::max(busiest_ns, total_ns);
    }
  }
  return busiest_ns;
}

}  // namespace

Timeline simulate(const LaneProgram& program, int64_t num_steps) {
  CHECK(num_steps >= 0, "a number of steps is not negative");
  using Recorded = Simulation<TimelineRecorder>;
  TimelineRecorder recorder(program, Recorded::intervals_of(program, num_steps));
  recorder.timeline.end_ns = Recorded(program, num_steps, recorder).run();
  return std::move(recorder.timeline);
}

int64_t latency_ns(const LaneProgram& program) {
  NoRecorder recorder;
  return Simulation<NoRecorder>(program, 1, recorder).run();
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
  SlopeRecorder recorder(program, first, first + window);
  Simulation<SlopeRecorder>(program, first + window + 1, recorder).run();

  // Lanes that nothing couples may have different slopes, the slowest of which sets the pace.
  int64_t slowest_ns = 0;
  for (const int64_t slope_ns : recorder.slopes_ns()) slowest_ns = std::max(slowest_ns, slope_ns);
  return std::max((slowest_ns + window - 1) / window, busiest_shared_ns(program));
}

}  // namespace graphrt
