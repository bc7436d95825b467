#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/attack/shadow_memory.h"

namespace graphrt {

/// One execution of a plan in virtual time: every lane either stands before an instruction, or is
/// at work on it. What happens next, an instruction's start or its end, is the caller's choice
/// among the lanes that can advance; so every execution that the plan allows can be had.
class VirtualRun {
 public:
  /// One run of `num_steps` steps. Requires: the layout and its plan outlive the run.
  VirtualRun(const ShadowLayout& layout, int64_t num_steps);

  /// Those that have instructions, in the order of the plan.
  const std::vector<LaneId>& lanes() const { return lanes_; }
  /// Starts and ends of all instructions, skipped ones too.
  int64_t num_events() const { return num_events_; }
  bool is_over() const { return num_open_lanes_ == 0; }

  /// Whether the lane is done with its last interval.
  bool is_done(LaneId lane) const { return states_[lane].interval == num_intervals_; }
  /// Whether it is at work on current(lane), rather than before it.
  bool is_running(LaneId lane) const { return states_[lane].is_running; }
  /// Requires, here and below: not done.
  InstructionId current(LaneId lane) const;
  int64_t interval(LaneId lane) const { return states_[lane].interval; }
  /// What keeps the lane from starting; null if nothing does.
  const Wait* unmet_wait(LaneId lane) const;
  bool can_advance(LaneId lane) const {
    return !is_done(lane) && (is_running(lane) || unmet_wait(lane) == nullptr);
  }

  /// Starts the current instruction, or ends it. Requires: can_advance(lane).
  std::optional<AccessFault> advance(LaneId lane);

 private:
  struct LaneState {
    int64_t interval = 0;
    size_t position = 0;
    int64_t num_finished = 0;
    bool is_running = false;
  };

  const Plan& plan_;
  ShadowMemory memory_;
  int64_t num_steps_;
  int64_t num_intervals_;
  int64_t num_events_ = 0;
  std::vector<LaneId> lanes_;
  size_t num_open_lanes_ = 0;
  IdVector<LaneId, LaneState> states_;
};

}  // namespace graphrt
