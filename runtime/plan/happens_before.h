#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "runtime/plan/lane_program.h"

namespace graphrt {

/// Counters of one order, 4 GiB: far beyond any plan of use, and a bound on what a file can make a
/// reader allocate.
inline constexpr size_t kMaxOrderCounters = size_t{1} << 30;

/// The order that lane order and waits enforce, for runs of any length.
///
///   f(x, y) = the least k >= 0 such that x in interval t has finished before y in interval t + k
///             starts, for every t; nothing if no such k is at most the horizon.
///
/// f is monotone: lanes are in order, so x in an earlier interval is earlier still. Therefore it is
/// enough to keep, for every instruction y, lane l and k <= horizon, how many of l's instructions
/// of interval t - k are over: prefix(y, l, k). Layer k follows from layer k along the edges of
/// distance 0, which form no cycle, and from the layers below it.
///
/// Cost: O(horizon x (instructions + waits) x lanes) time, as many counters; the layers from which
/// on nothing changes any more are computed and stored once.
class HappensBefore {
 public:
  /// Requires: waits name existing lanes, 1 <= count <= length of that lane, distance >= 0;
  ///           find_deadlock(program) found none.
  HappensBefore(const LaneProgram& program, int32_t horizon);

  /// The same, unless it takes more than `max_counters` counters.
  static std::optional<HappensBefore> within(size_t max_counters, const LaneProgram& program,
                                             int32_t horizon);

  std::optional<int32_t> least_distance(Position before, Position after) const;

  /// Whether `before` in interval t is over before `after` in interval t + distance starts.
  bool is_ordered(Position before, Position after, int32_t distance) const {
    if (distance < 0) return false;
    return before.index < prefix(after, before.lane, distance);
  }

  /// How many instructions of `lane`, of interval t - distance, are over before `at` starts in
  /// interval t. A distance above the horizon counts as the horizon.
  int32_t prefix(Position at, LaneId lane, int32_t distance) const {
    return prefixes_[slot(at, std::min(distance, num_layers_ - 1)) + lane.index()];
  }

  int32_t horizon() const { return horizon_; }

 private:
  HappensBefore(const LaneProgram& program, int32_t horizon, size_t max_counters);
  void fill_row(const LaneProgram& program, Position at, int32_t distance);
  size_t slot(Position at, int32_t distance) const {
    const size_t instruction = first_of_lane_[at.lane.index()] + static_cast<size_t>(at.index);
    return (static_cast<size_t>(distance) * num_instructions_ + instruction) * num_lanes_;
  }
  std::span<int32_t> row(Position at, int32_t distance);

  size_t num_lanes_;
  size_t num_instructions_ = 0;
  int32_t horizon_;
  int32_t num_layers_ = 0;  // the last one stands for all above it
  bool is_complete_ = true;
  std::vector<size_t> first_of_lane_;
  std::vector<int32_t> prefixes_;  // [distance][instruction][lane]
};

/// A cycle of lane order and waits whose distances add up to 0: no instruction on it can ever
/// start. In the order in which each waits, by a wait or by lane order, for the next, and the last
/// for the first; empty if there is none. Requires: waits as HappensBefore does.
std::vector<Position> find_deadlock(const LaneProgram& program);

}  // namespace graphrt
