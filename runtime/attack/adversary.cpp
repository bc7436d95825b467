#include "runtime/attack/adversary.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "runtime/attack/virtual_run.h"
#include "runtime/base/check.h"
#include "runtime/plan/plan_names.h"
#include "runtime/proof/buffer_overlap.h"

namespace graphrt {
namespace {

/// Which actor's event comes next.
class Chooser {
 public:
  Chooser() = default;
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;
  virtual ~Chooser() = default;
  /// One of those that can advance; nothing if none can.
  virtual std::optional<ActorId> choose(const VirtualRun& run) = 0;
};

class RandomChooser final : public Chooser {
 public:
  explicit RandomChooser(uint64_t seed) : random_(seed) {}

  std::optional<ActorId> choose(const VirtualRun& run) override {
    able_.clear();
    for (const ActorId actor : run.actors().ids()) {
      if (run.can_advance(actor)) able_.push_back(actor);
    }
    if (able_.empty()) return std::nullopt;
    return able_[random_() % able_.size()];
  }

 private:
  std::mt19937_64 random_;
  std::vector<ActorId> able_;
};

/// The actor of the highest priority that can advance. At each change point, an event of the run,
/// the actor that is about to advance gets a priority below all that actors began with.
class PriorityChooser final : public Chooser {
 public:
  /// Finds a fault that takes d + 1 events in a certain order with a probability of at least
  /// 1 / (actors x events^d), where d is the number of change points.
  static constexpr uint64_t kMaxChanges = 4;

  PriorityChooser(uint64_t seed, const VirtualRun& run) : random_(seed) {
    const uint64_t num_changes = seed % (kMaxChanges + 1);
    for (const ActorId actor : run.actors().ids()) {
      ranks_.push_back({num_changes + ranks_.size(), actor});
    }
    // By hand: what std::shuffle does is not the same everywhere.
    for (size_t i = ranks_.size(); i > 1; --i) {
      std::swap(ranks_[i - 1].priority, ranks_[random_() % i].priority);
    }
    const auto num_events = static_cast<uint64_t>(std::max<int64_t>(run.num_events(), 1));
    for (uint64_t i = 0; i < num_changes; ++i) changes_.push_back(random_() % num_events);
  }

  std::optional<ActorId> choose(const VirtualRun& run) override {
    Rank* rank = highest(run);
    for (size_t i = 0; i < changes_.size() && rank != nullptr; ++i) {
      if (changes_[i] != num_chosen_) continue;
      rank->priority = i;
      rank = highest(run);
    }
    ++num_chosen_;
    if (rank == nullptr) return std::nullopt;
    return rank->actor;
  }

 private:
  struct Rank {
    uint64_t priority;
    ActorId actor;
  };

  Rank* highest(const VirtualRun& run) {
    Rank* best = nullptr;
    for (Rank& rank : ranks_) {
      if (best != nullptr && rank.priority < best->priority) continue;
      if (run.can_advance(rank.actor)) best = &rank;
    }
    return best;
  }

  std::mt19937_64 random_;
  std::vector<Rank> ranks_;
  std::vector<uint64_t> changes_;  // the i-th gives priority i
  uint64_t num_chosen_ = 0;
};

/// Lets everything else go as far as it can, an actor at a time, while one execution is held.
class HoldChooser final : public Chooser {
 public:
  HoldChooser(const Interleaving& interleaving, LaneId lane, const VirtualRun& run)
      : interleaving_(interleaving) {
    for (const ActorId actor : run.actors().ids()) {
      if (run.actors()[actor].lane != lane) continue;
      if (run.starts_next(actor)) starter_ = actor;
      ender_ = actor;  // the last of the lane
    }
  }

  std::optional<ActorId> choose(const VirtualRun& run) override {
    if (interleaving_.policy == AdversaryPolicy::kHoldEnd && is_ahead(run)) {
      if (const auto actor = needed(run)) return actor;
    }
    if (last_ && is_able(run, *last_)) return last_;
    for (const ActorId actor : run.actors().ids()) {
      if (!is_able(run, actor)) continue;
      last_ = actor;
      return actor;
    }
    const ActorId held = interleaving_.policy == AdversaryPolicy::kHoldEnd ? ender_ : starter_;
    if (run.can_advance(held)) return held;
    return std::nullopt;
  }

 private:
  bool is_at_it(const VirtualRun& run, ActorId actor) const {
    return !run.is_done(actor) && run.interval(actor) == interleaving_.interval &&
           run.current(actor) == interleaving_.held;
  }
  /// Whether the held execution has not started.
  bool is_ahead(const VirtualRun& run) {
    const bool starts_it = is_at_it(run, starter_) && run.starts_next(starter_);
    if (is_next_ && !starts_it) has_started_ = true;
    is_next_ = starts_it;
    return !has_started_;
  }

  /// Whether the actor can advance without the event that is held back.
  bool is_able(const VirtualRun& run, ActorId actor) const {
    if (!run.can_advance(actor)) return false;
    const bool holds_end = interleaving_.policy == AdversaryPolicy::kHoldEnd;
    if (actor != (holds_end ? ender_ : starter_) || !is_at_it(run, actor)) return true;
    return !(holds_end ? run.ends_next(actor) : run.starts_next(actor));
  }

  /// An actor without whose next event the held execution cannot start: from the one that starts it
  /// along what has to come first. Nothing if that leads in a circle, which is a deadlock.
  std::optional<ActorId> needed(const VirtualRun& run) const {
    ActorId actor = starter_;
    for (size_t i = 0; i <= run.actors().size(); ++i) {
      if (run.is_done(actor)) return std::nullopt;
      const std::optional<ActorId> blocker = run.blocker(actor);
      if (!blocker) return actor;
      actor = *blocker;
    }
    return std::nullopt;
  }

  Interleaving interleaving_;
  ActorId starter_;
  ActorId ender_;
  std::optional<ActorId> last_;
  bool is_next_ = false;  // the start of the held execution was its actor's next event
  bool has_started_ = false;
};

std::unique_ptr<Chooser> make_chooser(const Interleaving& interleaving, const Plan& plan,
                                      const VirtualRun& run) {
  switch (interleaving.policy) {
    case AdversaryPolicy::kRandom:
      return std::make_unique<RandomChooser>(interleaving.seed);
    case AdversaryPolicy::kPriorities:
      return std::make_unique<PriorityChooser>(interleaving.seed, run);
    case AdversaryPolicy::kHoldStart:
    case AdversaryPolicy::kHoldEnd:
      break;
  }
  return std::make_unique<HoldChooser>(interleaving, lane_positions(plan)[interleaving.held].lane,
                                       run);
}

/// What the first one with a wait that does not hold waits for.
std::string describe_hang(const VirtualRun& run, const Plan& plan) {
  for (const ActorId actor : run.actors().ids()) {
    const Wait* wait = run.is_done(actor) ? nullptr : run.unmet_wait(actor);
    if (wait == nullptr) continue;
    return fmt::format(
        "nothing can start or end any more: '{}' ({}) in interval {} waits for the first {} of "
        "lane '{}' in interval {}",
        plan.instructions[run.current(actor)].name, plan.lanes[run.actors()[actor].lane].name,
        run.interval(actor), wait->count, plan.lanes[wait->lane].name,
        run.interval(actor) - wait->distance);
  }
  CHECK(false, "a circle of what waits has a wait in it");
}

bool has_messages(const Plan& plan) {
  return std::any_of(plan.lanes.begin(), plan.lanes.end(), [](const PlanLane& lane) {
    return is_message_lane(lane.kind) && !lane.instructions.empty();
  });
}

/// Half-open range of intervals.
struct Window {
  int64_t begin = 0;
  int64_t end = 0;
};

/// The intervals in which it is enough to hold every instruction, in a run of as many more steps
/// as it begins with.
Window window_of(const Plan& plan) {
  int64_t versions = 1;
  int64_t distance = 0;
  for (const PlanBuffer& buffer : plan.buffers) {
    versions = std::max<int64_t>(versions, buffer.versions);
  }
  for (const Instruction& instruction : plan.instructions) {
    for (const Operand& operand : instruction.reads) {
      distance = std::max<int64_t>(distance, operand.distance);
    }
  }
  int64_t period = 1;
  for (const std::vector<BufferId>& group : groups_by_place(plan)) {
    find_in_overlaps(plan, group, [&](BufferId a, BufferId b) -> std::optional<bool> {
      const int64_t first = plan.buffers[a].versions;
      period = std::max(period, std::lcm<int64_t>(first, plan.buffers[b].versions));
      return std::nullopt;
    });
  }
  const int64_t reach = versions + distance + max_stage(plan);
  return {reach, reach + period};
}

}  // namespace

int64_t adversary_steps(const Plan& plan) {
  const Window window = window_of(plan);
  return window.end + window.begin;
}

Adversary::Adversary(const Plan& plan, int64_t num_steps)
    : plan_(plan), num_steps_(num_steps), layout_(plan) {
  Window window = window_of(plan);
  if (num_steps < adversary_steps(plan)) window = {0, num_steps + max_stage(plan)};
  const bool is_eager = has_messages(plan);
  if (is_eager) holds_.push_back({});  // where every send waits for its receive, somebody may hang
  const int64_t middle = (window.begin + window.end) / 2;
  for (const InstructionId id : plan.instructions.ids()) {
    for (int64_t interval = window.begin; interval < window.end; ++interval) {
      const int64_t step = interval - plan.instructions[id].stage;
      if (step < 0 || step >= num_steps) continue;
      holds_.push_back({AdversaryPolicy::kHoldEnd, 0, id, interval, is_eager});
      if (interval == middle) holds_.push_back({AdversaryPolicy::kHoldStart, 0, id, interval});
    }
  }
}

std::optional<ExecutionFault> Adversary::run(const Interleaving& interleaving) const {
  VirtualRun run(layout_, num_steps_, interleaving.is_eager);
  const std::unique_ptr<Chooser> chooser = make_chooser(interleaving, plan_, run);
  while (!run.is_over()) {
    const std::optional<ActorId> actor = chooser->choose(run);
    if (!actor) {
      return ExecutionFault{interleaving, std::nullopt,
                            describe(interleaving) + ": " + describe_hang(run, plan_)};
    }
    if (auto fault = run.advance(*actor)) {
      std::string message = describe(interleaving) + ": " + fault->message;
      return ExecutionFault{interleaving, std::move(fault), std::move(message)};
    }
  }
  return std::nullopt;
}

std::string Adversary::describe(const Interleaving& interleaving) const {
  const auto held = [&](std::string_view event) {
    return fmt::format("{} of '{}' in interval {} held", event,
                       plan_.instructions[interleaving.held].name, interleaving.interval);
  };
  std::string text;
  switch (interleaving.policy) {
    case AdversaryPolicy::kRandom:
      text = fmt::format("random order, seed {}", interleaving.seed);
      break;
    case AdversaryPolicy::kPriorities:
      text = fmt::format("random priorities, seed {}", interleaving.seed);
      break;
    case AdversaryPolicy::kHoldStart:
      text = held("start");
      break;
    case AdversaryPolicy::kHoldEnd:
      text = held("end");
      break;
  }
  return fmt::format("{}{}, {} steps", text, interleaving.is_eager ? ", sends do not wait" : "",
                     num_steps_);
}

AdversaryReport execute_adversely(const Plan& plan, int64_t num_steps, uint64_t num_seeds) {
  const Adversary adversary(plan, num_steps);
  const bool tries_eager = has_messages(plan);
  AdversaryReport report{.num_steps = num_steps, .fault = {}};
  for (const Interleaving& hold : adversary.holds()) {
    ++report.num_holds;
    report.fault = adversary.run(hold);
    if (report.fault) return report;
  }
  for (uint64_t seed = 0; seed < num_seeds; ++seed) {
    for (const AdversaryPolicy policy : {AdversaryPolicy::kRandom, AdversaryPolicy::kPriorities}) {
      ++report.num_random;
      report.fault =
          adversary.run({policy, seed, InstructionId(), 0, tries_eager && seed % 2 == 1});
      if (report.fault) return report;
    }
  }
  return report;
}

}  // namespace graphrt
