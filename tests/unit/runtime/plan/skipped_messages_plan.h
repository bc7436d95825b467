#pragma once

#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {

/// Two writes to the same bytes on one host, in order by way of the other host alone, and by messages
/// of a later stage: of step t - 1 in interval t, so that they are skipped in interval 0.
///
///   h0/a    x z'            x and y share bytes; y waits for the answer
///   h0->h1      m'
///   h1->h0         n'
///   h0/b              y
inline Plan plan_ordered_by_skipped_messages() {
  PlanBuilder b;
  const DeviceId second = b.host();
  const LaneId lane_a = b.lane("h0/a");
  const LaneId lane_b = b.lane("h0/b");
  const LanePair there = b.message_lanes(kHostDevice, second);
  const LanePair back = b.message_lanes(second, kHostDevice);
  const BufferId w = b.buffer("w");
  b.state("w", {w});
  const BufferId x = b.buffer("x");
  const BufferId y = b.buffer_at("y", 256);
  const BufferId z = b.buffer("z");
  const BufferId m = b.buffer("m@h1", second);
  const BufferId n = b.buffer("n@h0");
  const InstructionId writes_x = b.kernel(lane_a, "x", "relu", {{w}}, x);
  const InstructionId writes_z = b.kernel(lane_a, "z", "relu", {{w}}, z, 1);
  const auto sent = b.message(there, "m", {z}, m, 1);
  const auto answer = b.message(back, "n", {m}, n, 1);
  const InstructionId writes_y = b.kernel(lane_b, "y", "relu", {{w}}, y);
  b.wait(writes_x, lane_b, 1, 1);
  b.wait(writes_z, there.send, 1, 1);
  b.wait(sent.send, lane_a, 2);
  b.wait(sent.receive, back.send, 1, 1);
  b.wait(answer.send, there.receive, 1);
  b.wait(writes_y, back.receive, 1);
  return b.build();
}

}  // namespace graphrt
