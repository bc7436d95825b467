#include "compiler/solve/schedule/modulo_lanes.h"

#include <gtest/gtest.h>

namespace graphc {
namespace {

const LaneId kLane(0);
const LaneId kOther(1);

/// Tasks of given durations on one lane each.
Loop loop_with(const std::vector<std::pair<LaneId, int64_t>>& tasks,
               const std::vector<SchedulingEdge>& edges) {
  Loop loop;
  for (const auto& [lane, duration_ns] : tasks) {
    loop.tasks.push_back({{lane}, duration_ns, 0, duration_ns});
  }
  loop.edges = edges;
  loop.num_lanes = 2;
  return loop;
}

ModuloLanes empty_lanes(const Loop& loop, int64_t interval_ns) {
  return ModuloLanes(loop, interval_ns, IdVector<TaskId, int64_t>(loop.tasks.size(), 0));
}

/// The first slot that fits, taken.
bool place_first(ModuloLanes& lanes, TaskId task) {
  const int64_t earliest_ns = lanes.earliest_ns(task).value_or(0);
  for (const ModuloSlot& slot : lanes.slots_for(task, earliest_ns)) {
    const ModuloTrial trial = lanes.trial(task, slot, earliest_ns);
    if (!trial.fits) continue;
    lanes.place(task, slot, trial);
    return true;
  }
  return false;
}

// T = 9: the lane is full to the last nanosecond, whatever order tasks come in.
//   lane  |a a|b b b|c c c c|a a|
TEST(ModuloLanes, AFullLaneHasNoGaps) {
  const Loop loop = loop_with({{kLane, 2}, {kLane, 3}, {kLane, 4}}, {});
  ModuloLanes lanes = empty_lanes(loop, 9);
  for (const TaskId task : loop.tasks.ids()) EXPECT_TRUE(place_first(lanes, task));
  const auto& order = lanes.order_of(kLane);
  ASSERT_EQ(order.size(), 3U);
  const int64_t first_ns = lanes.start_ns(order[0]) - lanes.turn_of(order[0]) * 9;
  const int64_t last_ns = lanes.start_ns(order[2]) - lanes.turn_of(order[2]) * 9;
  EXPECT_EQ(last_ns + loop.tasks[order[2]].busy_ns, first_ns + 9);
}

// One nanosecond less, and the last one finds no slot.
TEST(ModuloLanes, WhatHasNoRoomFitsNowhere) {
  const Loop loop = loop_with({{kLane, 2}, {kLane, 3}, {kLane, 4}}, {});
  ModuloLanes lanes = empty_lanes(loop, 8);
  EXPECT_TRUE(place_first(lanes, TaskId(0)));
  EXPECT_TRUE(place_first(lanes, TaskId(1)));
  EXPECT_FALSE(place_first(lanes, TaskId(2)));
}

// a and b, 3 ns each, alternate with nothing to spare: b follows a, and a of the next step b. c, on
// the lane of a, has to take the gap of 3 exactly.
//   lane   |a a a|c c c|
//   other  |     |b b b|       T = 6
TEST(ModuloLanes, ATaskTakesTheGapThatACycleLeaves) {
  const TaskId a(0);
  const TaskId b(1);
  const TaskId c(2);
  const Loop loop = loop_with({{kLane, 3}, {kOther, 3}, {kLane, 3}}, {{a, b, 0}, {b, a, 1}});
  ModuloLanes lanes = empty_lanes(loop, 6);
  EXPECT_EQ(lanes.slack_ns(a), 0);
  EXPECT_EQ(lanes.slack_ns(c), std::nullopt);
  for (const TaskId task : {a, b, c}) EXPECT_TRUE(place_first(lanes, task));
  EXPECT_EQ(lanes.start_ns(b) - lanes.start_ns(a), 3);
  EXPECT_EQ((lanes.start_ns(c) - lanes.start_ns(a) + 600) % 6, 3);
}

// The same with c of 4 ns: it does not fit, and what stands in its way is a.
TEST(ModuloLanes, ATrialNamesWhatIsInTheWay) {
  const TaskId a(0);
  const TaskId b(1);
  const TaskId c(2);
  const Loop loop = loop_with({{kLane, 3}, {kOther, 3}, {kLane, 4}}, {{a, b, 0}, {b, a, 1}});
  ModuloLanes lanes = empty_lanes(loop, 6);
  for (const TaskId task : {a, b}) EXPECT_TRUE(place_first(lanes, task));
  ModuloSlot slot = lanes.slots_for(c, 0).front();
  const ModuloTrial trial = lanes.trial(c, slot, 0);
  ASSERT_FALSE(trial.fits);
  EXPECT_EQ(trial.excess_ns, 1);
  for (const TaskId other : trial.conflicts) EXPECT_EQ(other, a);
  lanes.remove(a, slot);
  EXPECT_TRUE(lanes.trial(c, slot, 0).fits);
}

TEST(ModuloLanes, ALongerIntervalKeepsWhatIsPlaced) {
  const TaskId a(0);
  const TaskId b(1);
  const Loop loop = loop_with({{kLane, 3}, {kLane, 3}}, {{a, b, 0}, {b, a, 1}});
  ModuloLanes lanes = empty_lanes(loop, 6);
  for (const TaskId task : {a, b}) EXPECT_TRUE(place_first(lanes, task));
  lanes.set_longer_interval(10);
  EXPECT_GE(lanes.start_ns(b), lanes.start_ns(a) + 3);
  EXPECT_GE(lanes.start_ns(a) + 10, lanes.start_ns(b) + 3);
}

}  // namespace
}  // namespace graphc
