#include "runtime/engine/order_through_host.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "runtime/plan/happens_before.h"

namespace graphrt {
namespace {

/// What the queue keeps by itself.
LaneProgram lane_program(const QueueProgram& queue) {
  LaneProgram program;
  for (const QueuedLane& lane : queue.lanes) {
    std::vector<LaneInstruction> instructions;
    for (const QueuedInstruction& instruction : lane.instructions) {
      LaneInstruction item;
      for (const QueuedWait& wait : instruction.waits) {
        item.waits.push_back({LaneId(wait.lane.value()), wait.count, wait.distance});
      }
      instructions.push_back(std::move(item));
    }
    program.lanes.push_back(std::move(instructions));
    program.shared.push_back({});
  }
  return program;
}

class HostOrder {
 public:
  HostOrder(const Plan& plan, DividedPlan& divided)
      : divided_(divided),
        positions_(lane_positions(plan)),
        plan_order_(graphrt::lane_program(plan), kMaxStepsInFlight),
        queue_order_(lane_program(divided.queue), kMaxStepsInFlight) {}

  void run() {
    std::vector<Added> added;
    for (const QueuedLaneId lane : divided_.queue.lanes.ids()) {
      const auto length = static_cast<int32_t>(divided_.queue.lanes[lane].instructions.size());
      for (int32_t i = 0; i < length; ++i) {
        const QueuedPosition at{lane, i};
        const std::vector<QueuedWait> missing = missing_waits(at);
        if (missing.empty()) continue;
        added.push_back({at, instruction_at(at).waits.size()});
        instruction_at(at).waits.insert(instruction_at(at).waits.end(), missing.begin(),
                                        missing.end());
      }
    }
    prune(added);
  }

 private:
  /// The waits of an instruction from number `first` on are new.
  struct Added {
    QueuedPosition at;
    size_t first = 0;
  };

  std::vector<QueuedWait> missing_waits(const QueuedPosition& at) const {
    std::vector<QueuedWait> missing;
    const QueuedInstruction& instruction = instruction_at(at);
    if (!instruction.takes.empty()) {
      append_all_before({divided_.lane_of[at.lane], at.position}, 0, at, missing);
    }
    // The flag must have been set back by its consumer `num_slots` intervals before.
    const auto num_slots = static_cast<int32_t>(num_hand_over_slots(divided_.queue));
    for (const HandOverId id : instruction.gives) {
      const LanePosition consumer = positions_[divided_.ends[id].consumer];
      append_all_before({consumer.lane, consumer.position},
                        num_slots - divided_.queue.hand_overs[id].distance, at, missing);
    }
    return missing;
  }

  /// Of every other queued lane the last instruction that the plan orders before `event` of
  /// `distance` intervals ago, unless `at` comes after it anyway.
  void append_all_before(Position event, int32_t distance, const QueuedPosition& at,
                         std::vector<QueuedWait>& missing) const {
    for (const QueuedLaneId lane : divided_.queue.lanes.ids()) {
      if (lane == at.lane) continue;
      const std::optional<QueuedWait> last = last_before(event, lane);
      if (!last) continue;
      const QueuedWait wait{lane, last->count, last->distance + distance};
      const bool is_known = std::find(missing.begin(), missing.end(), wait) != missing.end();
      if (!is_known && !is_over(queue_order_, wait, {at.lane, at.position}, 0)) {
        missing.push_back(wait);
      }
    }
  }

  /// What is over earlier than that is over by the order of its lane.
  std::optional<QueuedWait> last_before(Position event, QueuedLaneId lane) const {
    for (int32_t k = 0; k <= plan_order_.horizon(); ++k) {
      const int32_t count = plan_order_.prefix(event, divided_.lane_of[lane], k);
      if (count > 0) return QueuedWait{lane, count, k};
    }
    return std::nullopt;
  }

  /// Whether what `wait` asks for is over before `place` of `distance` intervals ago starts.
  static bool is_over(const HappensBefore& order, const QueuedWait& wait,
                      const QueuedPosition& place, int32_t distance) {
    if (distance > wait.distance) return false;
    return order.prefix({LaneId(place.lane.value()), place.position}, LaneId(wait.lane.value()),
                        wait.distance - distance) >= wait.count;
  }

  /// Every wait costs the hardware a signal: those that follow from others go. That takes no order
  /// away, also where each of several follows from the next: order has no cycles.
  void prune(const std::vector<Added>& added) {
    const HappensBefore order(lane_program(divided_.queue), kMaxStepsInFlight);
    for (const Added& item : added) {
      std::vector<QueuedWait>& waits = instruction_at(item.at).waits;
      const std::vector<QueuedWait> all = waits;
      const auto first = waits.begin() + static_cast<std::ptrdiff_t>(item.first);
      waits.erase(std::remove_if(
                      first, waits.end(),
                      [&](const QueuedWait& wait) { return follows(order, wait, item.at, all); }),
                  waits.end());
    }
  }

  bool follows(const HappensBefore& order, const QueuedWait& wait, const QueuedPosition& at,
               const std::vector<QueuedWait>& others) const {
    const auto length = static_cast<int32_t>(divided_.queue.lanes[at.lane].instructions.size());
    const bool is_first = at.position == 0;
    const QueuedPosition previous{at.lane, (is_first ? length : at.position) - 1};
    if (is_over(order, wait, previous, is_first ? 1 : 0)) return true;
    return std::any_of(others.begin(), others.end(), [&](const QueuedWait& other) {
      return is_over(order, wait, {other.lane, other.count - 1}, other.distance);
    });
  }

  const QueuedInstruction& instruction_at(const QueuedPosition& at) const {
    return divided_.queue.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  }
  QueuedInstruction& instruction_at(const QueuedPosition& at) {
    return divided_.queue.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  }

  DividedPlan& divided_;
  IdVector<InstructionId, LanePosition> positions_;
  HappensBefore plan_order_;
  HappensBefore queue_order_;
};

}  // namespace

void add_order_through_host(const Plan& plan, DividedPlan& divided) {
  if (divided.queue.hand_overs.empty()) return;
  HostOrder(plan, divided).run();
}

}  // namespace graphrt
