#include "runtime/proof/happens_before.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

/// What can run when only waits of distance 0 count, and how far every lane gets: how many of its
/// instructions have ended, and how many have had their waits hold. A message ends once both of its
/// ends are reached; of other instructions both numbers are the same.
struct IntervalOrder {
  std::vector<Position> order;
  IdVector<LaneId, int32_t> num_done;
  IdVector<LaneId, int32_t> num_reached;
};

const Wait* unmet_wait(const LaneInstruction& instruction,
                       const IdVector<LaneId, int32_t>& num_done) {
  for (const Wait& wait : instruction.waits) {
    if (wait.distance == 0 && num_done[wait.lane] < wait.count) return &wait;
  }
  return nullptr;
}

/// Orders the instructions of one interval so that each stands after what it waits for in that
/// interval, and receives after their sends; lanes that wait for each other stop where they wait.
class IntervalWalk {
 public:
  explicit IntervalWalk(const LaneProgram& program)
      : program_(program), ends_(program), parked_(program.lanes.size()) {
    result_.num_done = IdVector<LaneId, int32_t>(program.lanes.size());
    result_.num_reached = result_.num_done;
  }

  IntervalOrder run() {
    for (const LaneId lane : program_.lanes.ids()) ready_.push_back(lane);
    while (!ready_.empty()) {
      const LaneId lane = ready_.back();
      ready_.pop_back();
      if (ends_.has_messages(lane)) {
        advance_messages(lane);
      } else {
        advance(lane);
      }
    }
    return std::move(result_);
  }

 private:
  struct Parked {
    LaneId lane;
    int32_t count;
  };

  /// Whether the waits of the instruction at `index` hold; if not, the lane is parked.
  bool can_start(LaneId lane, int32_t index) {
    const LaneInstruction& instruction = program_.lanes[lane][static_cast<size_t>(index)];
    const Wait* wait = unmet_wait(instruction, result_.num_done);
    if (wait == nullptr) return true;
    parked_[wait->lane].push_back({lane, wait->count});
    return false;
  }

  void advance(LaneId lane) {
    const auto length = static_cast<int32_t>(program_.lanes[lane].size());
    int32_t& done = result_.num_done[lane];
    while (done < length && can_start(lane, done)) result_.order.push_back({lane, done++});
    result_.num_reached[lane] = done;
    wake(lane);
  }

  void advance_messages(LaneId lane) {
    const auto length = static_cast<int32_t>(program_.lanes[lane].size());
    int32_t& reached = result_.num_reached[lane];
    while (reached < length && can_start(lane, reached)) {
      if (!ends_.is_receive(lane)) result_.order.push_back({lane, reached});
      ++reached;
    }
    const LaneId peer = ends_.peer(lane);
    const LaneId receive = ends_.is_receive(lane) ? lane : peer;
    int32_t& done = result_.num_done[lane];
    while (done < std::min(reached, result_.num_reached[peer])) {
      result_.order.push_back({receive, done++});
    }
    result_.num_done[peer] = done;
    wake(lane);
    wake(peer);
  }

  void wake(LaneId lane) {
    std::erase_if(parked_[lane], [&](const Parked& waiter) {
      if (waiter.count > result_.num_done[lane]) return false;
      ready_.push_back(waiter.lane);
      return true;
    });
  }

  const LaneProgram& program_;
  LaneEnds ends_;
  IntervalOrder result_;
  IdVector<LaneId, std::vector<Parked>> parked_;
  std::vector<LaneId> ready_;
};

/// Whether an instruction knows more of other lanes than the one before it on its lane. Messages
/// may be at work when the next one starts, so what that knows of its own lane has to be counted.
bool has_row(const LaneInstruction& instruction, int32_t index, bool is_message) {
  return index == 0 || is_message || !instruction.waits.empty();
}

int32_t largest_wait_distance(const LaneProgram& program) {
  int32_t distance = 0;
  for (const auto& lane : program.lanes) {
    for (const LaneInstruction& instruction : lane) {
      for (const Wait& wait : instruction.waits) distance = std::max(distance, wait.distance);
    }
  }
  return distance;
}

}  // namespace

HappensBefore::HappensBefore(const LaneProgram& program, int32_t horizon)
    : HappensBefore(program, horizon, std::numeric_limits<size_t>::max()) {}

std::optional<HappensBefore> HappensBefore::within(size_t max_counters, const LaneProgram& program,
                                                   int32_t horizon) {
  HappensBefore order(program, horizon, max_counters);
  if (!order.is_complete_) return std::nullopt;
  return order;
}

HappensBefore::HappensBefore(const LaneProgram& program, int32_t horizon, size_t max_counters)
    : num_lanes_(program.lanes.size()), ends_(program), horizon_(horizon) {
  CHECK(horizon >= 0, "a horizon is a number of intervals");
  size_t num_instructions = 0;
  int32_t num_rows = 0;
  for (const LaneId id : program.lanes.ids()) {
    const auto& lane = program.lanes[id];
    first_of_lane_.push_back(num_instructions);
    num_instructions += lane.size();
    for (size_t i = 0; i < lane.size(); ++i) {
      num_rows += has_row(lane[i], static_cast<int32_t>(i), ends_.has_messages(id)) ? 1 : 0;
      rows_.push_back(num_rows - 1);
    }
  }
  const std::vector<Position> order = IntervalWalk(program).run().order;
  CHECK(order.size() == num_instructions, "a deadlocked program has no order");
  ranks_.resize(num_instructions);
  for (size_t i = 0; i < order.size(); ++i) ranks_[number(order[i])] = static_cast<int32_t>(i);

  // A layer follows from the `reach` layers below it. Once it equals all of them, so does every
  // later one: the rest need not be stored.
  const int32_t reach = std::max(1, largest_wait_distance(program));
  int32_t num_equal = 0;
  while (num_layers() <= horizon && num_equal < reach) {
    const size_t layer_size = static_cast<size_t>(num_rows) * num_lanes_;
    if (layer_size * (layers_.size() + 1) > max_counters) {
      is_complete_ = false;
      return;
    }
    layers_.emplace_back(layer_size);
    for (const Position at : order) {
      const LaneInstruction& instruction = program.lanes[at.lane][static_cast<size_t>(at.index)];
      if (!has_row(instruction, at.index, ends_.has_messages(at.lane))) continue;
      fill_row(program, at, num_layers() - 1);
    }
    if (num_layers() == 1) continue;
    num_equal = layers_.back() == layers_[layers_.size() - 2] ? num_equal + 1 : 0;
  }
}

size_t HappensBefore::num_rows(const LaneProgram& program) {
  const LaneEnds ends(program);
  size_t num_rows = 0;
  for (const LaneId id : program.lanes.ids()) {
    const auto& lane = program.lanes[id];
    for (size_t i = 0; i < lane.size(); ++i) {
      num_rows += has_row(lane[i], static_cast<int32_t>(i), ends.has_messages(id)) ? 1 : 0;
    }
  }
  return num_rows;
}

void HappensBefore::fill_row(const LaneProgram& program, Position at, int32_t distance) {
  const std::span<int32_t> to{layers_.back().data() + first_counter(at), num_lanes_};
  const auto length_of = [&](LaneId lane) {
    return static_cast<int32_t>(program.lanes[lane].size());
  };
  if (ends_.has_messages(at.lane)) {
    raise_by_pair(to, at, length_of(at.lane), distance);
  } else {
    raise_by_lane(to, at, length_of(at.lane), distance);
  }
  const auto& instruction = program.lanes[at.lane][static_cast<size_t>(at.index)];
  for (const Wait& wait : instruction.waits) {
    if (wait.distance > distance) continue;
    raise_to(to, {wait.lane, wait.count - 1}, distance - wait.distance);
    // Ends are in order, so all of the lane's earlier intervals are over with it.
    const int32_t count = wait.distance < distance ? length_of(wait.lane) : wait.count;
    to[wait.lane.index()] = std::max(to[wait.lane.index()], count);
  }
}

/// The row of an instruction that waits holds for those behind it, too: see prefix() for its lane.
void HappensBefore::raise_by_lane(std::span<int32_t> row, Position at, int32_t length,
                                  int32_t distance) const {
  if (at.index > 0) {
    raise_to(row, {at.lane, at.index - 1}, distance);
    row[at.lane.index()] = std::max(row[at.lane.index()], at.index);
  } else if (distance > 0) {
    raise_to(row, {at.lane, length - 1}, distance - 1);
    row[at.lane.index()] = length;
  }
}

/// What is before the message ahead of it, before its own of the interval before, which is over,
/// and before its send. That one message starts after another says nothing of the other's end.
void HappensBefore::raise_by_pair(std::span<int32_t> row, Position at, int32_t length,
                                  int32_t distance) const {
  if (at.index > 0) {
    raise_to(row, {at.lane, at.index - 1}, distance);
  } else if (distance > 0) {
    raise_to(row, {at.lane, length - 1}, distance - 1);
  }
  if (distance > 0) {
    raise_to(row, at, distance - 1);
    const int32_t count = distance > 1 ? length : at.index + 1;
    row[at.lane.index()] = std::max(row[at.lane.index()], count);
  }
  if (ends_.is_receive(at.lane)) raise_to(row, {ends_.peer(at.lane), at.index}, distance);
}

void HappensBefore::raise_to(std::span<int32_t> row, Position other, int32_t distance) const {
  const int32_t* from = layers_[static_cast<size_t>(distance)].data() + first_counter(other);
  for (size_t i = 0; i < row.size(); ++i) row[i] = std::max(row[i], from[i]);
}

std::optional<int32_t> HappensBefore::least_distance(Position before, Position after) const {
  for (int32_t distance = 0; distance < num_layers(); ++distance) {
    if (is_ordered(before, after, distance)) return distance;
  }
  return std::nullopt;
}

std::vector<Position> find_deadlock(const LaneProgram& program) {
  const IntervalOrder reached = IntervalWalk(program).run();
  const IdVector<LaneId, int32_t>& num_done = reached.num_done;
  std::optional<LaneId> first_stuck;
  for (const LaneId candidate : program.lanes.ids()) {
    const bool is_stuck =
        static_cast<size_t>(reached.num_reached[candidate]) < program.lanes[candidate].size();
    if (is_stuck && !first_stuck) first_stuck = candidate;
  }
  if (!first_stuck) return {};

  // Every stuck lane waits for a lane that is stuck or whose other end is, so following the waits
  // leads into a cycle.
  const LaneEnds ends(program);
  std::vector<Position> chain;
  IdVector<LaneId, std::optional<size_t>> entered(program.lanes.size());
  LaneId lane = *first_stuck;
  while (!entered[lane]) {
    entered[lane] = chain.size();
    const Position stuck{lane, reached.num_reached[lane]};
    chain.push_back(stuck);
    const Wait& wait = *unmet_wait(program.lanes[lane][static_cast<size_t>(stuck.index)], num_done);
    lane = wait.lane;
    // By lane order the target waits for the first that has not ended on its own lane.
    const int32_t first_open = num_done[lane];
    if (wait.count - 1 != first_open) chain.push_back({lane, wait.count - 1});
    if (reached.num_reached[lane] == first_open) continue;
    // It could start, and waits for its other end.
    chain.push_back({lane, first_open});
    lane = ends.peer(lane);
  }
  chain.erase(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(*entered[lane]));
  return chain;
}

}  // namespace graphrt
