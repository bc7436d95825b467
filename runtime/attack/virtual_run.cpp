#include "runtime/attack/virtual_run.h"

namespace graphrt {

VirtualRun::VirtualRun(const ShadowLayout& layout, int64_t num_steps, bool is_eager)
    : plan_(layout.plan()),
      memory_(layout),
      num_steps_(num_steps),
      num_intervals_(num_steps + max_stage(plan_)),
      is_eager_(is_eager),
      of_lane_(plan_.lanes.size()) {
  for (const LaneId lane : plan_.lanes.ids()) {
    if (!plan_.lanes[lane].instructions.empty()) add_actors(lane);
  }
  num_open_actors_ = actors_.size();
}

ActorId VirtualRun::add_actor(LaneId lane, Actor::Part part) {
  const auto length = static_cast<int64_t>(plan_.lanes[lane].instructions.size());
  num_events_ += (part == Actor::Part::kWhole ? 2 : 1) * num_intervals_ * length;
  states_.push_back({});
  return actors_.push_back({lane, part});
}

void VirtualRun::add_actors(LaneId lane) {
  LaneActors& own = of_lane_[lane];
  if (!is_message_lane(plan_.lanes[lane].kind)) {
    own.entry = own.start = own.end = add_actor(lane, Actor::Part::kWhole);
    return;
  }
  const bool is_send = plan_.lanes[lane].kind == LaneKind::kSend;
  own.entry = add_actor(lane, is_send ? Actor::Part::kStart : Actor::Part::kPost);
  own.start = is_send ? own.entry : add_actor(lane, Actor::Part::kArrival);
  own.end = add_actor(lane, Actor::Part::kEnd);
}

InstructionId VirtualRun::current(ActorId actor) const {
  return plan_.lanes[actors_[actor].lane].instructions[states_[actor].position];
}

bool VirtualRun::starts_next(ActorId actor) const {
  const Actor::Part part = actors_[actor].part;
  if (part == Actor::Part::kWhole) return !states_[actor].is_running;
  return part == Actor::Part::kStart || part == Actor::Part::kArrival;
}

bool VirtualRun::ends_next(ActorId actor) const {
  const Actor::Part part = actors_[actor].part;
  return part == Actor::Part::kEnd || (part == Actor::Part::kWhole && states_[actor].is_running);
}

const Wait* VirtualRun::unmet_wait(ActorId actor) const {
  if (of_lane_[actors_[actor].lane].entry != actor || ends_next(actor)) return nullptr;
  for (const Wait& wait : plan_.instructions[current(actor)].waits) {
    const int64_t interval = states_[actor].interval - wait.distance;
    if (interval < 0) continue;
    const auto length = static_cast<int64_t>(plan_.lanes[wait.lane].instructions.size());
    if (!has_come_to(of_lane_[wait.lane].end, interval * length + wait.count - 1)) return &wait;
  }
  return nullptr;
}

std::optional<ActorId> VirtualRun::blocker(ActorId actor) const {
  const PlanLane& lane = plan_.lanes[actors_[actor].lane];
  const LaneActors& own = of_lane_[actors_[actor].lane];
  const int64_t number = states_[actor].num_done;
  switch (actors_[actor].part) {
    case Actor::Part::kStart:
    case Actor::Part::kPost: {
      // The same message of the interval before is over.
      const auto length = static_cast<int64_t>(lane.instructions.size());
      if (!has_come_to(own.end, number - length)) return own.end;
      break;
    }
    case Actor::Part::kWhole:
      break;
    case Actor::Part::kArrival:
      if (!has_come_to(own.entry, number)) return own.entry;
      if (!has_come_to(of_lane_[*lane.peer].start, number)) return of_lane_[*lane.peer].start;
      return std::nullopt;
    case Actor::Part::kEnd:
      return blocker_of_end(actor);
  }
  const Wait* wait = unmet_wait(actor);
  if (wait == nullptr) return std::nullopt;
  return of_lane_[wait->lane].end;
}

std::optional<ActorId> VirtualRun::blocker_of_end(ActorId actor) const {
  const PlanLane& lane = plan_.lanes[actors_[actor].lane];
  const int64_t number = states_[actor].num_done;
  const ActorId start = of_lane_[actors_[actor].lane].start;
  if (!has_come_to(start, number)) return start;
  if (lane.kind == LaneKind::kReceive || is_eager_) return std::nullopt;
  const ActorId post = of_lane_[*lane.peer].entry;
  if (!has_come_to(post, number)) return post;
  return std::nullopt;
}

std::optional<AccessFault> VirtualRun::advance(ActorId actor) {
  State& state = states_[actor];
  const InstructionId id = current(actor);
  const Execution execution{id, state.interval - plan_.instructions[id].stage};
  const bool is_skipped = execution.step < 0 || execution.step >= num_steps_;
  const bool is_start = starts_next(actor);
  std::optional<AccessFault> fault;
  if (!is_skipped && is_start) fault = memory_.start(execution);
  if (!is_skipped && ends_next(actor)) memory_.finish(execution);
  if (actors_[actor].part == Actor::Part::kWhole) {
    state.is_running = is_start;
    if (is_start) return fault;
  }
  ++state.num_done;
  ++state.position;
  if (state.position < plan_.lanes[actors_[actor].lane].instructions.size()) return fault;
  state.position = 0;
  ++state.interval;
  if (is_done(actor)) --num_open_actors_;
  return fault;
}

}  // namespace graphrt
