#include "runtime/proof/happens_before.h"

#include <algorithm>
#include <limits>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

/// What can run when only waits of distance 0 count, and how far every lane gets.
struct IntervalOrder {
  std::vector<Position> order;
  IdVector<LaneId, int32_t> num_done;
};

const Wait* unmet_wait(const LaneInstruction& instruction,
                       const IdVector<LaneId, int32_t>& num_done) {
  for (const Wait& wait : instruction.waits) {
    if (wait.distance == 0 && num_done[wait.lane] < wait.count) return &wait;
  }
  return nullptr;
}

/// Orders the instructions of one interval so that each stands after what it waits for in that
/// interval; lanes that wait for each other stop where they wait.
IntervalOrder order_interval(const LaneProgram& program) {
  struct Parked {
    LaneId lane;
    int32_t count;
  };
  const size_t num_lanes = program.lanes.size();
  IntervalOrder result{.order = {}, .num_done = IdVector<LaneId, int32_t>(num_lanes)};
  IdVector<LaneId, std::vector<Parked>> parked(num_lanes);
  std::vector<LaneId> ready;
  for (const LaneId lane : program.lanes.ids()) ready.push_back(lane);
  while (!ready.empty()) {
    const LaneId lane = ready.back();
    ready.pop_back();
    const std::vector<LaneInstruction>& instructions = program.lanes[lane];
    int32_t& done = result.num_done[lane];
    while (static_cast<size_t>(done) < instructions.size()) {
      const Wait* wait = unmet_wait(instructions[static_cast<size_t>(done)], result.num_done);
      if (wait != nullptr) {
        parked[wait->lane].push_back({lane, wait->count});
        break;
      }
      result.order.push_back({lane, done++});
    }
    std::erase_if(parked[lane], [&](const Parked& waiter) {
      if (waiter.count > done) return false;
      ready.push_back(waiter.lane);
      return true;
    });
  }
  return result;
}

/// Whether an instruction knows more of other lanes than the one before it on its lane.
bool has_row(const LaneInstruction& instruction, int32_t index) {
  return index == 0 || !instruction.waits.empty();
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
    : num_lanes_(program.lanes.size()), horizon_(horizon) {
  CHECK(horizon >= 0, "a horizon is a number of intervals");
  size_t num_instructions = 0;
  int32_t num_rows = 0;
  for (const auto& lane : program.lanes) {
    first_of_lane_.push_back(num_instructions);
    num_instructions += lane.size();
    for (size_t i = 0; i < lane.size(); ++i) {
      num_rows += has_row(lane[i], static_cast<int32_t>(i)) ? 1 : 0;
      rows_.push_back(num_rows - 1);
    }
  }
  const std::vector<Position> order = order_interval(program).order;
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
      if (has_row(instruction, at.index)) fill_row(program, at, num_layers() - 1);
    }
    if (num_layers() == 1) continue;
    num_equal = layers_.back() == layers_[layers_.size() - 2] ? num_equal + 1 : 0;
  }
}

size_t HappensBefore::num_rows(const LaneProgram& program) {
  size_t num_rows = 0;
  for (const auto& lane : program.lanes) {
    for (size_t i = 0; i < lane.size(); ++i) {
      num_rows += has_row(lane[i], static_cast<int32_t>(i)) ? 1 : 0;
    }
  }
  return num_rows;
}

void HappensBefore::fill_row(const LaneProgram& program, Position at, int32_t distance) {
  const std::span<int32_t> to{layers_.back().data() + first_counter(at), num_lanes_};
  const auto length = static_cast<int32_t>(program.lanes[at.lane].size());
  // The row of an instruction that waits holds for those behind it, too: see prefix() for its lane.
  if (at.index > 0) {
    raise_to(to, {at.lane, at.index - 1}, distance);
    to[at.lane.index()] = std::max(to[at.lane.index()], at.index);
  } else if (distance > 0) {
    raise_to(to, {at.lane, length - 1}, distance - 1);
    to[at.lane.index()] = length;
  }
  const auto& instruction = program.lanes[at.lane][static_cast<size_t>(at.index)];
  for (const Wait& wait : instruction.waits) {
    if (wait.distance > distance) continue;
    raise_to(to, {wait.lane, wait.count - 1}, distance - wait.distance);
    to[wait.lane.index()] = std::max(to[wait.lane.index()], wait.count);
  }
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
  const IdVector<LaneId, int32_t> num_done = order_interval(program).num_done;
  std::optional<LaneId> first_stuck;
  for (const LaneId candidate : program.lanes.ids()) {
    const bool is_stuck =
        static_cast<size_t>(num_done[candidate]) < program.lanes[candidate].size();
    if (is_stuck && !first_stuck) first_stuck = candidate;
  }
  if (!first_stuck) return {};

  // Every stuck lane waits for a stuck lane, so following the waits leads into a cycle.
  std::vector<Position> chain;
  IdVector<LaneId, std::optional<size_t>> entered(program.lanes.size());
  LaneId lane = *first_stuck;
  while (!entered[lane]) {
    entered[lane] = chain.size();
    const Position stuck{lane, num_done[lane]};
    chain.push_back(stuck);
    const Wait& wait = *unmet_wait(program.lanes[lane][static_cast<size_t>(stuck.index)], num_done);
    lane = wait.lane;
    const Position target{lane, wait.count - 1};
    // By lane order the target waits for the instruction its own lane is stuck at.
    if (target.index != num_done[lane]) chain.push_back(target);
  }
  chain.erase(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(*entered[lane]));
  return chain;
}

}  // namespace graphrt
