#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "runtime/proof/lane_program.h"

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
/// An instruction that waits for nothing knows of other lanes what the one before it on its lane
/// knows, so only those that wait, and the first of a lane, have a row of counters of their own.
///
/// Messages of a lane start in order and end in order, but one may start before another has ended;
/// its own message of the interval before has. A message arrives after its send has started, maybe
/// before that has ended: what is before the send is before its receive, and the send itself is not
/// (docs/verification.md, "Messages"). Each message has a row of its own.
///
/// Cost: O(horizon x waits x lanes) time, num_rows(program) x lanes counters a layer; the layers
/// from which on nothing changes any more are computed and stored once.
class HappensBefore {
 public:
  /// Requires: waits name existing lanes, 1 <= count <= length of that lane, distance >= 0;
  ///           both lanes of a pair are of equal length; find_deadlock(program) found none.
  HappensBefore(const LaneProgram& program, int32_t horizon);

  /// The same, unless it takes more than `max_counters` counters.
  static std::optional<HappensBefore> within(size_t max_counters, const LaneProgram& program,
                                             int32_t horizon);
  /// Rows of counters in a layer: instructions that wait, the first of every lane, and messages.
  static size_t num_rows(const LaneProgram& program);

  std::optional<int32_t> least_distance(Position before, Position after) const;

  /// Whether `before` in interval t is over before `after` in interval t + distance starts.
  bool is_ordered(Position before, Position after, int32_t distance) const {
    if (distance < 0) return false;
    return before.index < prefix(after, before.lane, distance);
  }

  /// How many instructions of `lane`, of interval t - distance, are over before `at` starts in
  /// interval t. A distance above the horizon counts as the horizon.
  int32_t prefix(Position at, LaneId lane, int32_t distance) const {
    const auto layer = static_cast<size_t>(std::min(distance, num_layers() - 1));
    const int32_t known = layers_[layer][first_counter(at) + lane.index()];
    return lane == at.lane && !ends_.has_messages(lane) ? std::max(known, at.index) : known;
  }

  /// The place of an instruction in an order in which it stands behind all that are before it in
  /// the same interval.
  int32_t rank(Position at) const { return ranks_[number(at)]; }

  int32_t horizon() const { return horizon_; }

 private:
  HappensBefore(const LaneProgram& program, int32_t horizon, size_t max_counters);
  void fill_row(const LaneProgram& program, Position at, int32_t distance);
  void raise_by_lane(std::span<int32_t> row, Position at, int32_t length, int32_t distance) const;
  void raise_by_pair(std::span<int32_t> row, Position at, int32_t length, int32_t distance) const;
  void raise_to(std::span<int32_t> row, Position other, int32_t distance) const;

  int32_t num_layers() const { return static_cast<int32_t>(layers_.size()); }
  size_t number(Position at) const {
    return first_of_lane_[at.lane.index()] + static_cast<size_t>(at.index);
  }
  /// In a layer, where the row begins that holds for `at`.
  size_t first_counter(Position at) const {
    return static_cast<size_t>(rows_[number(at)]) * num_lanes_;
  }

  size_t num_lanes_;
  LaneEnds ends_;
  int32_t horizon_;
  bool is_complete_ = true;
  std::vector<size_t> first_of_lane_;
  std::vector<int32_t> rows_;   // of every instruction: its own, or that of the last one with one
  std::vector<int32_t> ranks_;  // of every instruction
  std::vector<std::vector<int32_t>> layers_;  // [distance][row, lane]; the last: all above it, too
};

/// A cycle of lane order, waits and pairs whose distances add up to 0: no instruction on it can ever
/// end, as a message does not before both of its ends could start. In the order in which each waits,
/// by a wait, by lane order or for its other end, for the next, and the last for the first; empty if
/// there is none. Requires: waits and pairs as HappensBefore does.
std::vector<Position> find_deadlock(const LaneProgram& program);

}  // namespace graphrt
