#include "runtime/engine/order_through_host.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    program.resources.push_back({});
  }
  return program;
}

/// The plan's order, and that of the flags of all queues: one is given again only when its consumer,
/// `num_slots` intervals before, has set it back.
LaneProgram program_with_flags(const Plan& plan, const DividedPlan& divided) {
  LaneProgram program = graphrt::lane_program(plan);
  const IdVector<InstructionId, LanePosition> positions = lane_positions(plan);
  for (const DividedQueue& queue : divided.queues) {
    const auto num_slots = static_cast<int32_t>(num_signal_slots(queue.program));
    for (const SignalId id : queue.program.signals.ids()) {
      const LanePosition producer = positions[queue.ends[id].producer];
      const LanePosition consumer = positions[queue.ends[id].consumer];
      program.lanes[producer.lane][static_cast<size_t>(producer.position)].waits.push_back(
          {consumer.lane, consumer.position + 1, num_slots - queue.program.signals[id].distance});
    }
  }
  return program;
}

/// As far ahead as anything in a plan may reach.
Result<HappensBefore> order_of(const LaneProgram& program, size_t max_counters) {
  auto order = HappensBefore::within(max_counters, program, kMaxStepsInFlight);
  if (order) return *std::move(order);
  size_t num_instructions = 0;
  for (const auto& lane : program.lanes) num_instructions += lane.size();
  return input_error("the plan's " + std::to_string(num_instructions) + " instructions on " +
                     std::to_string(program.lanes.size()) +
                     " lanes have an order between host and accelerators that reaches too many "
                     "steps ahead to be queued");
}

class HostOrder {
 public:
  HostOrder(DividedQueue& queue, size_t max_counters, const HappensBefore& plan_order,
            HappensBefore queue_order)
      : queue_(queue),
        max_counters_(max_counters),
        plan_order_(plan_order),
        queue_order_(std::move(queue_order)) {}

  Result<void> run() {
    std::vector<Added> added;
    for (const QueuedLaneId lane : queue_.program.lanes.ids()) {
      const auto length = static_cast<int32_t>(queue_.program.lanes[lane].instructions.size());
      for (int32_t i = 0; i < length; ++i) {
        const QueuedPosition at{lane, i};
        const std::vector<QueuedWait> missing = missing_waits(at);
        if (missing.empty()) continue;
        const QueuedPosition first = first_of_launch(at);
        std::vector<QueuedWait>& waits = instruction_at(first).waits;
        const bool is_known = !added.empty() && added.back().at == first;
        if (!is_known) added.push_back({first, waits.size()});
        waits.insert(waits.end(), missing.begin(), missing.end());
      }
    }
    if (added.empty()) return {};
    return prune(added);
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
    if (instruction.waits_on.empty() && instruction.signals.empty()) return missing;
    const Position in_plan{queue_.lane_of[at.lane], at.position};
    for (const QueuedLaneId lane : queue_.program.lanes.ids()) {
      if (lane == at.lane) continue;
      const std::optional<QueuedWait> wait = last_before(in_plan, lane);
      if (wait && !is_over(queue_order_, *wait, at, 0)) missing.push_back(*wait);
    }
    return missing;
  }

  /// The last instruction of a queued lane that comes before `event`; what is over earlier than
  /// that is over by the order of its lane.
  std::optional<QueuedWait> last_before(Position event, QueuedLaneId lane) const {
    for (int32_t k = 0; k <= plan_order_.horizon(); ++k) {
      const int32_t count = plan_order_.prefix(event, queue_.lane_of[lane], k);
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
  Result<void> prune(const std::vector<Added>& added) {
    TRY(const HappensBefore order, order_of(lane_program(queue_.program), max_counters_));
    for (const Added& item : added) {
      std::vector<QueuedWait>& waits = instruction_at(item.at).waits;
      const std::vector<QueuedWait> all = waits;
      const auto first = waits.begin() + static_cast<std::ptrdiff_t>(item.first);
      waits.erase(std::remove_if(
                      first, waits.end(),
                      [&](const QueuedWait& wait) { return follows(order, wait, item.at, all); }),
                  waits.end());
    }
    return {};
  }

  bool follows(const HappensBefore& order, const QueuedWait& wait, const QueuedPosition& at,
               const std::vector<QueuedWait>& others) const {
    const auto length = static_cast<int32_t>(queue_.program.lanes[at.lane].instructions.size());
    const bool is_first = at.position == 0;
    const QueuedPosition previous{at.lane, (is_first ? length : at.position) - 1};
    if (is_over(order, wait, previous, is_first ? 1 : 0)) return true;
    return std::any_of(others.begin(), others.end(), [&](const QueuedWait& other) {
      return is_over(order, wait, {other.lane, other.count - 1}, other.distance);
    });
  }

  /// What is before one instruction of a launch is before all of them, and the first waits for it.
  QueuedPosition first_of_launch(QueuedPosition at) const {
    while (instruction_at(at).is_joined) --at.position;
    return at;
  }

  const QueuedInstruction& instruction_at(const QueuedPosition& at) const {
    return queue_.program.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  }
  QueuedInstruction& instruction_at(const QueuedPosition& at) {
    return queue_.program.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  }

  DividedQueue& queue_;
  size_t max_counters_;
  const HappensBefore& plan_order_;
  HappensBefore queue_order_;
};

}  // namespace

Result<void> add_order_through_host(const Plan& plan, DividedPlan& divided, size_t max_counters) {
  const auto has_none = [](const DividedQueue& queue) { return queue.program.signals.empty(); };
  if (std::all_of(divided.queues.begin(), divided.queues.end(), has_none)) return {};
  TRY(const HappensBefore plan_order, order_of(program_with_flags(plan, divided), max_counters));
  for (DividedQueue& queue : divided.queues) {
    if (has_none(queue)) continue;
    TRY(HappensBefore queue_order, order_of(lane_program(queue.program), max_counters));
    TRY(HostOrder(queue, max_counters, plan_order, std::move(queue_order)).run());
  }
  return {};
}

}  // namespace graphrt
