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
  Divider(const Plan& plan, const IdVector<DeviceId, bool>& has_queue,
          const IdVector<InstructionId, std::unique_ptr<Action>>& actions)
      : plan_(plan), actions_(actions), positions_(lane_positions(plan)) {
    divided_.is_queued = IdVector<LaneId, bool>(plan.lanes.size(), false);
    divided_.host = IdVector<InstructionId, HostHandOvers>(plan.instructions.size());
    for (const LaneId id : plan.lanes.ids()) {
      const PlanLane& lane = plan.lanes[id];
      divided_.is_queued[id] = has_queue[lane.device] || has_queue[lane.destination];
    }
  }

  DividedPlan run() {
    divided_.queue.name = plan_.name;
    divided_.queue.max_stage = max_stage(plan_);
    divided_.queue.num_phases = num_phases();
    divided_.queue.interval_ns = plan_.predicted_interval_ns;
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
      if (!divided_.is_queued[id] || lane.instructions.empty()) continue;
      QueuedLane queued{lane.name, plan_.devices[lane.device].name, {}};
      for (const InstructionId instruction : lane.instructions) {
        QueuedInstruction item;
        item.name = plan_.instructions[instruction].name;
        item.action = actions_[instruction].get();
        item.stage = plan_.instructions[instruction].stage;
        item.is_joined = plan_.instructions[instruction].is_joined;
        queued.instructions.push_back(std::move(item));
      }
      queued_ids_[id] = divided_.queue.lanes.push_back(std::move(queued));
      divided_.lane_of.push_back(id);
    }
  }

  QueuedInstruction& queued(InstructionId id) {
    const LanePosition at = positions_[id];
    QueuedLane& lane = divided_.queue.lanes[*queued_ids_[at.lane]];
    return lane.instructions[static_cast<size_t>(at.position)];
  }

  void add_waits(InstructionId id) {
    const bool is_waiter_queued = divided_.is_queued[positions_[id].lane];
    for (const Wait& wait : plan_.instructions[id].waits) {
      const bool is_other_queued = divided_.is_queued[wait.lane];
      if (is_waiter_queued && is_other_queued) {
        queued(id).waits.push_back({*queued_ids_[wait.lane], wait.count, wait.distance});
      } else if (is_waiter_queued != is_other_queued) {
        add_hand_over(id, wait);
      }
    }
  }

  void add_hand_over(InstructionId consumer, const Wait& wait) {
    const InstructionId producer =
        plan_.lanes[wait.lane].instructions[static_cast<size_t>(wait.count) - 1];
    const bool is_to_host = divided_.is_queued[wait.lane];
    const HandOverId id = divided_.queue.hand_overs.push_back(
        {is_to_host ? HandOverDirection::kToHost : HandOverDirection::kToDevice, wait.distance});
    divided_.ends.push_back({producer, consumer});
    if (is_to_host) {
      queued(producer).gives.push_back(id);
      divided_.host[consumer].takes.push_back(id);
    } else {
      divided_.host[producer].gives.push_back(id);
      queued(consumer).takes.push_back(id);
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

  /// Over all lanes, those of the host too: what a queued instruction waits for through the host is
  /// queued before it as well.
  void add_order() {
    IdVector<LaneId, size_t> num_done(plan_.lanes.size(), 0);
    for (size_t i = 0; i < plan_.instructions.size(); ++i) {
      const LaneId lane = next_lane(num_done);
      if (queued_ids_[lane]) {
        divided_.queue.order.push_back({*queued_ids_[lane], static_cast<int32_t>(num_done[lane])});
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

Result<DividedPlan> divide_plan(const Plan& plan, const IdVector<DeviceId, bool>& has_queue,
                                const IdVector<InstructionId, std::unique_ptr<Action>>& actions) {
  DividedPlan divided = Divider(plan, has_queue, actions).run();
  TRY(add_order_through_host(plan, divided));
  return divided;
}

}  // namespace graphrt
