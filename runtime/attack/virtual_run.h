#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/attack/shadow_memory.h"

namespace graphrt {

using ActorId = Id<struct ActorTag>;

/// Whose events happen in order. A lane is one actor, either before an instruction or at work on it.
/// Messages of a lane may be at work side by side, so that a lane of sends is two actors, and a lane
/// of receives three.
struct Actor {
  enum class Part : uint8_t {
    kWhole,    ///< starts and ends instructions
    kStart,    ///< starts sends
    kPost,     ///< posts receives
    kArrival,  ///< starts receives: their bytes begin to arrive
    kEnd,      ///< ends sends or receives
  };
  LaneId lane;
  Part part = Part::kWhole;
};

/// One execution of a plan in virtual time. What happens next, the next event of which actor, is the
/// caller's choice among those that can advance; so every execution that the plan allows can be had.
class VirtualRun {
 public:
  /// One run of `num_steps` steps. With `is_eager` a send may end before its receive is posted, as
  /// if something had room for its bytes; without, only afterwards. Requires: the layout and its
  /// plan outlive the run.
  VirtualRun(const ShadowLayout& layout, int64_t num_steps, bool is_eager);

  /// Those of lanes that have instructions, in the order of the plan.
  const IdVector<ActorId, Actor>& actors() const { return actors_; }
  /// Of all instructions, skipped ones too.
  int64_t num_events() const { return num_events_; }
  bool is_over() const { return num_open_actors_ == 0; }

  /// Whether the actor is done with its last interval.
  bool is_done(ActorId actor) const { return states_[actor].interval == num_intervals_; }
  /// The instruction that its next event is about. Requires, here and below: not done.
  InstructionId current(ActorId actor) const;
  int64_t interval(ActorId actor) const { return states_[actor].interval; }
  /// Whether its next event is that its instruction starts to touch bytes; that it is done with them.
  bool starts_next(ActorId actor) const;
  bool ends_next(ActorId actor) const;
  /// A wait of the instruction that its next event is about, and that the event comes too early for.
  const Wait* unmet_wait(ActorId actor) const;
  /// Whose next event has to come first; nothing if the actor can advance.
  std::optional<ActorId> blocker(ActorId actor) const;
  bool can_advance(ActorId actor) const { return !is_done(actor) && !blocker(actor); }

  /// Requires: can_advance(actor).
  std::optional<AccessFault> advance(ActorId actor);

 private:
  struct State {
    int64_t interval = 0;
    size_t position = 0;
    int64_t num_done = 0;
    bool is_running = false;  ///< of a whole lane: at work on its instruction
  };
  /// Of a lane; those of other kinds of lanes are not used.
  struct LaneActors {
    ActorId entry;  ///< whom waits hold back: of sends the starts, of receives the posting
    ActorId start;
    ActorId end;
  };

  ActorId add_actor(LaneId lane, Actor::Part part);
  void add_actors(LaneId lane);
  bool has_come_to(ActorId actor, int64_t number) const { return states_[actor].num_done > number; }
  std::optional<ActorId> blocker_of_end(ActorId actor) const;

  const Plan& plan_;
  ShadowMemory memory_;
  int64_t num_steps_;
  int64_t num_intervals_;
  bool is_eager_;
  int64_t num_events_ = 0;
  size_t num_open_actors_ = 0;
  IdVector<ActorId, Actor> actors_;
  IdVector<ActorId, State> states_;
  IdVector<LaneId, LaneActors> of_lane_;
};

}  // namespace graphrt
