#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/attack/shadow_memory.h"
#include "runtime/plan/plan.h"

/// Executes a plan as badly as it allows. No operator is computed and no device is used: a lane's
/// next event, the start or the end of an instruction, happens when a policy chooses it, and bytes
/// carry the name of their writer instead of numbers. What verify_plan proves for all executions is
/// thereby tried on some of them, by code that shares none of the proof.
///
/// Holding each instruction once, as kHoldEnd does, finds every fault that N steps can show:
///
///   Call two accesses to the same bytes a pair, if one of them is a write, and ordered, if one is
///   over before the other starts in every execution. If all pairs are ordered, every execution
///   does the same to every byte in the same order, so that one of them shows what all do.
///   Else let x and y be an unordered pair. Hold x: run only what must be over before x starts,
///   start x, then run all that can run while x does not end. The first part leaves out y, as y is
///   not before x. The second part reaches y, as x is not before y: lanes go on until each waits
///   for the end of x, directly or not, and y does not. So y starts while x is at work, a fault.
///
/// For runs of any length, instructions need to be held in few intervals only. Order is the same in
/// every interval, and so is who meets within a buffer; in two buffers of V and W versions that
/// share bytes, who meets repeats after lcm(V, W) intervals. If a pair is unordered, one is whose
/// instances are at most (most versions) intervals apart (docs/plan.md, "Race"). So a window as
/// long as the largest such lcm, with reach = versions + distance + stage intervals on either
/// side, shows a fault of every plan that is wrong for any number of steps.
///
/// Messages between hosts: a receive is posted before it starts, which is when its bytes begin to
/// arrive, and a lane of messages starts the next one before it has ended the one before. Nothing
/// can be said of when a send ends: once its receive is posted, or before, where something has room
/// for its bytes. Order must not rely on the former, so that holds have sends that end at any time
/// (x held above, where y follows a send that need not wait); and nothing must hang for lack of
/// room, so that one execution at least has sends that wait.
///
/// Source: random priorities with change points are those of Burckhardt, Kothari, Musuvathi,
/// Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS
/// 2010, section 2, with lanes for threads.
namespace graphrt {

enum class AdversaryPolicy : uint8_t {
  kRandom,      ///< any actor (a lane, or a part of one) that can advance, all alike
  kPriorities,  ///< the actor of the highest priority; the seed says how often priorities change
  kHoldStart,   ///< one execution starts when nothing else can happen: as late as possible
  kHoldEnd,     ///< one execution starts as early as possible, and ends as late as possible
};

/// All that an execution depends on: the same interleaving gives the same one, everywhere.
struct Interleaving {
  AdversaryPolicy policy = AdversaryPolicy::kRandom;
  uint64_t seed = 0;      ///< kRandom, kPriorities
  InstructionId held;     ///< kHoldStart, kHoldEnd
  int64_t interval = 0;   ///< the one in which it is held
  bool is_eager = false;  ///< sends may end before their receives are posted
};

/// What an interleaving showed.
struct ExecutionFault {
  Interleaving interleaving;
  std::optional<AccessFault> access;  ///< absent: nothing could start or end any more
  std::string message;                ///< names the interleaving, too
};

class Adversary {
 public:
  /// Runs of `num_steps` steps. Requires: find_structure_violation(plan) found none; the plan
  /// outlives the adversary; num_steps >= 1.
  Adversary(const Plan& plan, int64_t num_steps);
  Adversary(Plan&& plan, int64_t num_steps) = delete;

  /// Runs to the end, or to the first fault.
  std::optional<ExecutionFault> run(const Interleaving& interleaving) const;

  /// Every instruction held in every interval of the window, or of the whole run where that is too
  /// short to have one (fewer steps than adversary_steps); its start once, its end always. Where
  /// there are messages, first a random order in which sends wait for their receives.
  const std::vector<Interleaving>& holds() const { return holds_; }

 private:
  std::string describe(const Interleaving& interleaving) const;

  const Plan& plan_;
  int64_t num_steps_;
  ShadowLayout layout_;
  std::vector<Interleaving> holds_;
};

/// The least number of steps whose holds show a fault of every plan that verify_plan refuses for
/// its order: the window, and the reach on either side.
int64_t adversary_steps(const Plan& plan);

struct AdversaryReport {
  int64_t num_steps = 0;
  int64_t num_holds = 0;                ///< executions in which an instruction was held
  int64_t num_random = 0;               ///< executions of either other policy
  std::optional<ExecutionFault> fault;  ///< of the last of them
};

/// All holds, then both other policies with the seeds 0 to num_seeds - 1, up to the first fault.
/// Requires: as the constructor of Adversary.
AdversaryReport execute_adversely(const Plan& plan, int64_t num_steps, uint64_t num_seeds);

}  // namespace graphrt
