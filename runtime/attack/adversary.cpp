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

/// Which lane's event comes next.
class Chooser {
 public:
  Chooser() = default;
  Chooser(const Chooser&) = delete;
  Chooser& operator=(const Chooser&) = delete;
  virtual ~Chooser() = default;
  /// One of those that can advance; nothing if none can.
  virtual std::optional<LaneId> choose(const VirtualRun& run) = 0;
};

class RandomChooser final : public Chooser {
 public:
  explicit RandomChooser(uint64_t seed) : random_(seed) {}

  std::optional<LaneId> choose(const VirtualRun& run) override {
    able_.clear();
    for (const LaneId lane : run.lanes()) {
      if (run.can_advance(lane)) able_.push_back(lane);
    }
    if (able_.empty()) return std::nullopt;
    return able_[random_() % able_.size()];
  }

 private:
  std::mt19937_64 random_;
  std::vector<LaneId> able_;
};

/// The lane of the highest priority that can advance. At each change point, an event of the run,
/// the lane that is about to advance gets a priority below all that lanes began with.
class PriorityChooser final : public Chooser {
 public:
  /// Finds a fault that takes d + 1 events in a certain order with a probability of at least
  /// 1 / (lanes x events^d), where d is the number of change points.
  static constexpr uint64_t kMaxChanges = 4;

  PriorityChooser(uint64_t seed, const VirtualRun& run) : random_(seed) {
    const uint64_t num_changes = seed % (kMaxChanges + 1);
    for (const LaneId lane : run.lanes()) ranks_.push_back({num_changes + ranks_.size(), lane});
    // By hand: what std::shuffle does is not the same everywhere.
    for (size_t i = ranks_.size(); i > 1; --i) {
      std::swap(ranks_[i - 1].priority, ranks_[random_() % i].priority);
    }
    const auto num_events = static_cast<uint64_t>(std::max<int64_t>(run.num_events(), 1));
    for (uint64_t i = 0; i < num_changes; ++i) changes_.push_back(random_() % num_events);
  }

  std::optional<LaneId> choose(const VirtualRun& run) override {
    Rank* rank = highest(run);
    for (size_t i = 0; i < changes_.size() && rank != nullptr; ++i) {
      if (changes_[i] != num_chosen_) continue;
      rank->priority = i;
      rank = highest(run);
    }
    ++num_chosen_;
    if (rank == nullptr) return std::nullopt;
    return rank->lane;
  }

 private:
  struct Rank {
    uint64_t priority;
    LaneId lane;
  };

  Rank* highest(const VirtualRun& run) {
    Rank* best = nullptr;
    for (Rank& rank : ranks_) {
      if (best != nullptr && rank.priority < best->priority) continue;
      if (run.can_advance(rank.lane)) best = &rank;
    }
    return best;
  }

  std::mt19937_64 random_;
  std::vector<Rank> ranks_;
  std::vector<uint64_t> changes_;  // the i-th gives priority i
  uint64_t num_chosen_ = 0;
};

/// Lets everything else go as far as it can, a lane at a time, while one execution is held.
class HoldChooser final : public Chooser {
 public:
  HoldChooser(const Interleaving& interleaving, LaneId lane)
      : interleaving_(interleaving), held_lane_(lane) {}

  std::optional<LaneId> choose(const VirtualRun& run) override {
    if (interleaving_.policy == AdversaryPolicy::kHoldEnd && is_ahead(run)) {
      if (const auto lane = needed(run)) return lane;
    }
    if (is_able(run, last_)) return last_;
    for (const LaneId lane : run.lanes()) {
      if (!is_able(run, lane)) continue;
      last_ = lane;
      return lane;
    }
    if (run.can_advance(held_lane_)) return held_lane_;
    return std::nullopt;
  }

 private:
  bool is_at_it(const VirtualRun& run) const {
    return !run.is_done(held_lane_) && run.interval(held_lane_) == interleaving_.interval &&
           run.current(held_lane_) == interleaving_.held;
  }
  /// Whether the held execution has not started.
  bool is_ahead(const VirtualRun& run) {
    has_started_ = has_started_ || (is_at_it(run) && run.is_running(held_lane_));
    return !has_started_;
  }

  /// Whether the lane can advance without the event that is held back.
  bool is_able(const VirtualRun& run, std::optional<LaneId> lane) const {
    if (!lane || !run.can_advance(*lane)) return false;
    if (*lane != held_lane_ || !is_at_it(run)) return true;
    const bool is_end = run.is_running(held_lane_);
    return is_end != (interleaving_.policy == AdversaryPolicy::kHoldEnd);
  }

  /// A lane without whose next event the held execution cannot start: from the held lane along
  /// waits that do not hold. Nothing if that leads in a circle, which is a deadlock.
  std::optional<LaneId> needed(const VirtualRun& run) const {
    LaneId lane = held_lane_;
    for (size_t i = 0; i <= run.lanes().size(); ++i) {
      if (run.can_advance(lane)) return lane;
      if (run.is_done(lane)) return std::nullopt;
      lane = run.unmet_wait(lane)->lane;
    }
    return std::nullopt;
  }

  Interleaving interleaving_;
  LaneId held_lane_;
  std::optional<LaneId> last_;
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
  return std::make_unique<HoldChooser>(interleaving, lane_positions(plan)[interleaving.held].lane);
}

/// What the first lane that is not done waits for.
std::string describe_hang(const VirtualRun& run, const Plan& plan) {
  const auto is_stuck = [&](LaneId lane) { return !run.is_done(lane); };
  const auto lane = std::find_if(run.lanes().begin(), run.lanes().end(), is_stuck);
  CHECK(lane != run.lanes().end(), "a run that is not over has a lane that is not done");
  const Wait& wait = *run.unmet_wait(*lane);
  return fmt::format(
      "nothing can start or end any more: '{}' ({}) in interval {} waits for the first {} of lane "
      "'{}' in interval {}",
      plan.instructions[run.current(*lane)].name, plan.lanes[*lane].name, run.interval(*lane),
      wait.count, plan.lanes[wait.lane].name, run.interval(*lane) - wait.distance);
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
  const int64_t middle = (window.begin + window.end) / 2;
  for (const InstructionId id : plan.instructions.ids()) {
    for (int64_t interval = window.begin; interval < window.end; ++interval) {
      const int64_t step = interval - plan.instructions[id].stage;
      if (step < 0 || step >= num_steps) continue;
      holds_.push_back({AdversaryPolicy::kHoldEnd, 0, id, interval});
      if (interval == middle) holds_.push_back({AdversaryPolicy::kHoldStart, 0, id, interval});
    }
  }
}

std::optional<ExecutionFault> Adversary::run(const Interleaving& interleaving) const {
  VirtualRun run(layout_, num_steps_);
  const std::unique_ptr<Chooser> chooser = make_chooser(interleaving, plan_, run);
  while (!run.is_over()) {
    const std::optional<LaneId> lane = chooser->choose(run);
    if (!lane) {
      return ExecutionFault{interleaving, std::nullopt,
                            describe(interleaving) + ": " + describe_hang(run, plan_)};
    }
    if (auto fault = run.advance(*lane)) {
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
  return fmt::format("{}, {} steps", text, num_steps_);
}

AdversaryReport execute_adversely(const Plan& plan, int64_t num_steps, uint64_t num_seeds) {
  const Adversary adversary(plan, num_steps);
  AdversaryReport report{.num_steps = num_steps, .fault = {}};
  for (const Interleaving& hold : adversary.holds()) {
    ++report.num_holds;
    report.fault = adversary.run(hold);
    if (report.fault) return report;
  }
  for (uint64_t seed = 0; seed < num_seeds; ++seed) {
    for (const AdversaryPolicy policy : {AdversaryPolicy::kRandom, AdversaryPolicy::kPriorities}) {
      ++report.num_random;
      report.fault = adversary.run({policy, seed, InstructionId(), 0});
      if (report.fault) return report;
    }
  }
  return report;
}

}  // namespace graphrt
