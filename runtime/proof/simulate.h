#pragma once

#include <cstdint>
#include <vector>

#include "runtime/proof/lane_program.h"

namespace graphrt {

struct Span {
  int64_t start_ns = 0;
  int64_t end_ns = 0;
};

/// When every instruction runs, in virtual time: spans[interval][lane][position]. Instructions
/// whose step lies outside the run take no time; start equals end there.
struct Timeline {
  std::vector<IdVector<LaneId, std::vector<Span>>> intervals;
  int64_t end_ns = 0;
};

/// Runs `program` for `num_steps` steps in virtual time: an instruction starts when its lane is
/// free and its waits hold; its work starts after its latency, when all of the lane's resources that
/// it takes are free for as long as it takes them, first come first served (ties by lane): who comes
/// later goes ahead only where that makes nobody wait longer. A message starts at both of its ends
/// when the waits of both hold and those ahead of it on their lanes have started; its bytes move
/// after its latency and after those of the messages ahead of it, where its send ends, and its
/// receive ends as much later as that takes by itself. Requires: find_deadlock(program) found
/// none; no lane has more than kMaxLaneResources.
Timeline simulate(const LaneProgram& program, int64_t num_steps);

/// The time that one step alone takes: simulate(program, 1).end_ns.
int64_t latency_ns(const LaneProgram& program);

/// Time per step in the steady state, rounded up: the largest slope of any lane in simulate, over a
/// window of a multiple of 12 intervals that begins after twice the largest stage or distance.
int64_t steady_interval_ns(const LaneProgram& program);

}  // namespace graphrt
