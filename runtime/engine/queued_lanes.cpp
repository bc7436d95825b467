#include "runtime/engine/queued_lanes.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "runtime/base/check.h"
#include "runtime/engine/order_through_host.h"

namespace graphrt {
namespace {

class Divider {
 public:
  Divider(const Plan& plan, const QueueOfDevice& queue_of,
          const IdVector<InstructionId, std::unique_ptr<Action>>& actions)
      : plan_(plan), actions_(actions), positions_(lane_positions(plan)) {
    divided_.host = IdVector<InstructionId, HostSignals>(plan.instructions.size());
    size_t num_queues = 0;
    for (const PlanLane& lane : plan.lanes) {
      const std::optional<QueueId> queue = queue_of_lane(lane, queue_of);
      divided_.queue_of.push_back(queue);
      if (queue) num_queues = std::max(num_queues, queue->index() + 1);
    }
    divided_.queues.resize(num_queues);
  }

  DividedPlan run() {
    for (DividedQueue& queue : divided_.queues) {
      queue.program.name = plan_.name;
      queue.program.max_stage = max_stage(plan_);
      queue.program.num_phases = num_phases();
      queue.program.interval_ns = plan_.predicted_interval_ns;
    }
    add_lanes();
    for (const InstructionId id : plan_.instructions.ids()) add_waits(id);
    add_order();
    return std::move(divided_);
  }

 private:
  int32_t num_phases() const {
    int64_t phases = 1;
    for (const PlanBuffer& buffer : plan_.buffers) {
      phases = std::lcm(phases, static_cast<int64_t>(buffer.versions));
      // More than any run is long enough for: the queue then knows not to record whole periods.
      if (phases > kMaxPhases) return static_cast<int32_t>(kMaxPhases);
    }
    return static_cast<int32_t>(phases);
  }

  void add_lanes() {
    queued_ids_ = IdVector<LaneId, std::optional<QueuedLaneId>>(plan_.lanes.size());
    for (const LaneId id : plan_.lanes.ids()) {
      const PlanLane& lane = plan_.lanes[id];
      if (!divided_.queue_of[id] || lane.instructions.empty()) continue;
      QueuedLane queued{lane.name, plan_.devices[lane.device].name, {}};
      for (const InstructionId instruction : lane.instructions) {
        QueuedInstruction item;
        item.name = plan_.instructions[instruction].name;
        item.action = actions_[instruction].get();
        item.stage = plan_.instructions[instruction].stage;
        item.is_joined = plan_.instructions[instruction].is_joined;
        queued.instructions.push_back(std::move(item));
      }
      DividedQueue& queue = divided_.queues[*divided_.queue_of[id]];
      queued_ids_[id] = queue.program.lanes.push_back(std::move(queued));
      queue.lane_of.push_back(id);
    }
  }

  std::optional<QueueId> queue_with(InstructionId id) const {
    return divided_.queue_of[positions_[id].lane];
  }

  /// Requires: a queue runs it.
  QueuedInstruction& queued(InstructionId id) {
    const LanePosition at = positions_[id];
    QueuedLane& lane = divided_.queues[*queue_with(id)].program.lanes[*queued_ids_[at.lane]];
    return lane.instructions[static_cast<size_t>(at.position)];
  }

  void add_waits(InstructionId id) {
    const std::optional<QueueId> own = queue_with(id);
    for (const Wait& wait : plan_.instructions[id].waits) {
      const std::optional<QueueId> other = divided_.queue_of[wait.lane];
      if (own && own == other) {
        queued(id).waits.push_back({*queued_ids_[wait.lane], wait.count, wait.distance});
      } else if (own != other) {
        CHECK(!own || !other, plan_.instructions[id].name + " waits for another queue");
        add_signal(id, wait);
      }
    }
  }

  void add_signal(InstructionId consumer, const Wait& wait) {
    const InstructionId producer =
        plan_.lanes[wait.lane].instructions[static_cast<size_t>(wait.count) - 1];
    const std::optional<QueueId> giver = queue_with(producer);
    const QueueId queue = giver ? *giver : *queue_with(consumer);
    const SignalId id = divided_.queues[queue].program.signals.push_back(
        {giver ? SignalDirection::kToHost : SignalDirection::kToDevice, wait.distance});
    divided_.queues[queue].ends.push_back({producer, consumer});
    if (giver) {
      queued(producer).signals.push_back(id);
      divided_.host[consumer].waits_on.push_back({queue, id});
    } else {
      divided_.host[producer].signals.push_back({queue, id});
      queued(consumer).waits_on.push_back(id);
    }
  }

  /// When the instruction is predicted to start, counted from the start of its interval.
  int64_t predicted_start(InstructionId id) const {
    const Instruction& instruction = plan_.instructions[id];
    return instruction.predicted_start_ns - instruction.stage * plan_.predicted_interval_ns;
  }

  bool is_ready(InstructionId id, const IdVector<LaneId, size_t>& num_done) const {
    const std::vector<Wait>& waits = plan_.instructions[id].waits;
    return std::all_of(waits.begin(), waits.end(), [&](const Wait& wait) {
      return wait.distance > 0 || num_done[wait.lane] >= static_cast<size_t>(wait.count);
    });
  }

  /// Of the instructions that can be next, the one predicted to start first.
  LaneId next_lane(const IdVector<LaneId, size_t>& num_done) const {
    std::optional<LaneId> best;
    int64_t best_start = 0;
    for (const LaneId lane : plan_.lanes.ids()) {
      const std::vector<InstructionId>& list = plan_.lanes[lane].instructions;
      if (num_done[lane] == list.size()) continue;
      const InstructionId id = list[num_done[lane]];
      if (best && predicted_start(id) >= best_start) continue;
      if (!is_ready(id, num_done)) continue;
      best = lane;
      best_start = predicted_start(id);
    }
    CHECK(best.has_value(), plan_.name + " is verified, and yet its interval has a cycle");
    return *best;
  }

  /// Over all lanes, those of the host and of other queues too: what a queued instruction waits for
  /// by way of them is queued before it as well.
  void add_order() {
    IdVector<LaneId, size_t> num_done(plan_.lanes.size(), 0);
    for (size_t i = 0; i < plan_.instructions.size(); ++i) {
      const LaneId lane = next_lane(num_done);
      if (queued_ids_[lane]) {
        QueueProgram& program = divided_.queues[*divided_.queue_of[lane]].program;
        program.order.push_back({*queued_ids_[lane], static_cast<int32_t>(num_done[lane])});
      }
      ++num_done[lane];
    }
  }

  static constexpr int64_t kMaxPhases = int64_t{1} << 20;

  const Plan& plan_;
  const IdVector<InstructionId, std::unique_ptr<Action>>& actions_;
  IdVector<InstructionId, LanePosition> positions_;
  IdVector<LaneId, std::optional<QueuedLaneId>> queued_ids_;
  DividedPlan divided_;
};

}  // namespace

std::optional<QueueId> queue_of_lane(const PlanLane& lane, const QueueOfDevice& queue_of) {
  const std::optional<QueueId> queue = queue_of[lane.destination];
  return queue ? queue : queue_of[lane.device];
}

Result<DividedPlan> divide_plan(const Plan& plan, const QueueOfDevice& queue_of,
                                const IdVector<InstructionId, std::unique_ptr<Action>>& actions) {
  DividedPlan divided = Divider(plan, queue_of, actions).run();
  TRY(add_order_through_host(plan, divided));
  return divided;
}

}  // namespace graphrt
