#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// One execution of an instruction.
struct Instance {
  InstructionId instruction;
  int64_t interval = 0;  ///< counted through all runs
  int64_t step = 0;
  bool is_skipped = false;
};

/// A plan written out for a number of steps: every execution of every instruction, and which of
/// them is over before which starts, as the transitive closure of lane order and waits. Runs are
/// separated by barriers. Knows nothing of stages' algebra, horizons and residues: it is the
/// oracle for code that does.
///
/// A send is two events, its start and its end; a receive is three, as it is posted before it
/// starts. It starts when its send has started, too. Messages of a lane start (or are posted) in
/// order and end in order. Whether a send ends before its receive is posted is up to who moves the
/// bytes: nothing may rely on it that it does, nor on it that it does not.

class UnrolledPlan {
 public:
  static constexpr size_t kMaxInstances = 1024;

  /// One run for each entry, of that many steps. Requires: at most kMaxInstances executions, where
  /// a send counts twice and a receive three times.
  UnrolledPlan(const Plan& plan, const std::vector<int64_t>& steps_of_runs);

  bool has_deadlock() const { return has_deadlock_; }
  const std::vector<Instance>& instances() const { return instances_; }
  /// Whether instance `before` is over before instance `after` starts.
  bool is_ordered(size_t before, size_t after) const {
    return before_[events_[after].start].test(events_[before].end);
  }
  /// The instance of an instruction in an interval.
  size_t find(InstructionId instruction, int64_t interval) const;

 private:
  struct Run {
    int64_t num_steps = 0;
    int64_t first_step = 0;
    int64_t first_interval = 0;
    int64_t end_interval = 0;
    size_t num_before = 0;  // events of earlier runs
  };

  /// What waits are in front of, when bytes are touched from, and until when: three numbers of
  /// events, all the same where nothing needs to tell them apart.
  struct Events {
    size_t entry = 0;
    size_t start = 0;
    size_t end = 0;
  };

  size_t add_event(std::vector<size_t> predecessors);
  void add_instances(const Plan& plan, const Run& run);
  void add_order(const Plan& plan, const Run& run);
  void add_lane_order(const PlanLane& lane, const Run& run);
  void add_pairs(const Plan& plan, const Run& run);
  void close();
  bool has_cycle_where_both_ends_meet() const;

  IdVector<InstructionId, size_t> place_;  // within an interval
  std::vector<Instance> instances_;
  std::vector<Events> events_;                       // of instances
  std::vector<std::vector<size_t>> predecessors_;    // of events
  std::vector<std::pair<size_t, size_t>> meetings_;  // a receive is posted, before its send ends
  std::vector<std::bitset<kMaxInstances>> before_;   // of events
  bool has_deadlock_ = false;
};

/// Checks every two accesses, every read and every output that stays on its device, one by one.
/// Returns what is wrong, or nothing. Requires: the plan's structure is sound.
std::optional<std::string> find_unrolled_fault(const Plan& plan,
                                               const std::vector<int64_t>& steps_of_runs);

}  // namespace graphrt
