#include "runtime/attack/virtual_run.h"

namespace graphrt {

VirtualRun::VirtualRun(const ShadowLayout& layout, int64_t num_steps)
    : plan_(layout.plan()),
      memory_(layout),
      num_steps_(num_steps),
      num_intervals_(num_steps + max_stage(plan_)),
      states_(plan_.lanes.size()) {
  for (const LaneId lane : plan_.lanes.ids()) {
    const size_t length = plan_.lanes[lane].instructions.size();
    if (length == 0) continue;
    lanes_.push_back(lane);
    num_events_ += 2 * num_intervals_ * static_cast<int64_t>(length);
  }
  num_open_lanes_ = lanes_.size();
}

InstructionId VirtualRun::current(LaneId lane) const {
  return plan_.lanes[lane].instructions[states_[lane].position];
}

const Wait* VirtualRun::unmet_wait(LaneId lane) const {
  for (const Wait& wait : plan_.instructions[current(lane)].waits) {
    const int64_t interval = states_[lane].interval - wait.distance;
    if (interval < 0) continue;
    const auto length = static_cast<int64_t>(plan_.lanes[wait.lane].instructions.size());
    if (states_[wait.lane].num_finished < interval * length + wait.count) return &wait;
  }
  return nullptr;
}

std::optional<AccessFault> VirtualRun::advance(LaneId lane) {
  LaneState& state = states_[lane];
  const InstructionId id = current(lane);
  const Execution execution{id, state.interval - plan_.instructions[id].stage};
  const bool is_skipped = execution.step < 0 || execution.step >= num_steps_;
  if (!state.is_running) {
    state.is_running = true;
    if (is_skipped) return std::nullopt;
    return memory_.start(execution);
  }
  if (!is_skipped) memory_.finish(execution);
  state.is_running = false;
  ++state.num_finished;
  ++state.position;
  if (state.position < plan_.lanes[lane].instructions.size()) return std::nullopt;
  state.position = 0;
  ++state.interval;
  if (is_done(lane)) --num_open_lanes_;
  return std::nullopt;
}

}  // namespace graphrt
