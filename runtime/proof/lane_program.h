#pragma once

#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Only what order and time depend on: which instructions a lane runs, in which order, after which
/// waits, at what cost. Input of HappensBefore and of simulate.
struct LaneInstruction {
  int32_t stage = 0;
  std::vector<Wait> waits;
  TaskCost cost;
};
/// Messages between two hosts: the k-th instructions of both lanes are a pair.
struct LanePair {
  LaneId send;
  LaneId receive;
};
struct LaneProgram {
  IdVector<LaneId, std::vector<LaneInstruction>> lanes;
  /// That the lane shares with others, kMaxLaneResources at most; costs say how long it takes them.
  IdVector<LaneId, std::vector<SharedResourceId>> resources;
  std::vector<LanePair> pairs;  ///< of lanes of equal lengths, each in one pair at most
};

/// Which lanes are ends of messages, and of whose.
class LaneEnds {
 public:
  explicit LaneEnds(const LaneProgram& program);

  bool has_messages(LaneId lane) const { return peers_[lane] != lane; }
  bool is_receive(LaneId lane) const { return is_receive_[lane] != 0; }
  /// The lane at the other end; of a lane without messages, the lane itself.
  LaneId peer(LaneId lane) const { return peers_[lane]; }

 private:
  IdVector<LaneId, LaneId> peers_;
  IdVector<LaneId, char> is_receive_;
};

/// Requires: lanes of messages name each other, as those of verified plans do.
LaneProgram lane_program(const Plan& plan);

/// A place in a lane program.
struct Position {
  LaneId lane;
  int32_t index = 0;
  auto operator<=>(const Position&) const = default;
};

}  // namespace graphrt
