#include "compiler/solve/schedule/forward_backward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/solve/schedule/reservations.h"
#include "tests/unit/compiler/solve/schedule/problems.h"

namespace graphc {
namespace {

using testing::ElementsAre;

// The gradient arrives at the link 2 ns after the loss, but the update hangs on it:
//
//   list scheduling                         forward-backward
//   link   [ loss 20 ][ gradient 30 ]       link    [ gradient 30 ][ loss 20 ]
//   cpu                              [40]   cpu                    [   40   ]
//          2                         52 92          4              34        74
TEST(ForwardBackward, KeepsALaneIdleForSomethingUrgent) {
  ProblemBuilder build;
  const GroupId gpu = build.group(1);
  const GroupId link = build.group(1);
  const TaskId make_gradient = build.task(gpu, 4);
  const TaskId make_loss = build.task(build.group(1), 2);
  const TaskId gradient = build.task(link, 30);
  const TaskId loss = build.task(link, 20);
  const TaskId update = build.task(build.group(1), 40);
  build.edge(make_gradient, gradient);
  build.edge(make_loss, loss);
  build.edge(gradient, update);
  const Stages stages(build.get().tasks.size(), 0);
  SchedulingSolution greedy = list_schedule(build.get(), stages);
  EXPECT_EQ(greedy.tasks[update].end_ns, 92);
  greedy.interval_ns = 92;
  const auto patient = forward_backward(build.get(), stages, greedy, greedy);
  EXPECT_EQ(defects_of(build.get(), patient), "");
  EXPECT_THAT(patient.lanes[LaneId(1)], ElementsAre(gradient, loss));
  EXPECT_EQ(patient.tasks[update].end_ns, 74);
  EXPECT_EQ(patient.tasks[update].reason, Reason::kLeastSlack);
}

TEST(ForwardBackward, RandomProblemsStaySound) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    const SchedulingProblem problem =
        seed <= 200 ? random_problem(seed) : random_problem_of_resources(seed);
    const Stages stages(problem.tasks.size(), 0);
    SchedulingSolution solution = list_schedule(problem, stages);
    for (const ScheduledTask& task : solution.tasks) {
      solution.interval_ns = std::max(solution.interval_ns, task.end_ns);
    }
    const auto again = forward_backward(problem, stages, solution, solution);
    EXPECT_EQ(defects_of(problem, again), "") << "seed " << seed;
    EXPECT_EQ(overbooked_resources(problem, again), "") << "seed " << seed;
  }
}

//   taken    [10 20)   [25 40)
TEST(Reservations, TheEarliestGapThatIsLongEnough) {
  Reservations lane;
  lane.take(25, 15);
  lane.take(10, 10);
  EXPECT_EQ(lane.earliest_gap(0, 10), 0);
  EXPECT_EQ(lane.earliest_gap(0, 11), 40);
  EXPECT_EQ(lane.earliest_gap(3, 5), 3);
  EXPECT_EQ(lane.earliest_gap(12, 5), 20);
  EXPECT_EQ(lane.earliest_gap(12, 6), 40);
}

// The second task fits its lane at 0, but its shared part only behind the first one's:
//   stream 0   [5][ 20 unit ]
//   stream 1             [5][ 20 unit ]     starts at 20, so that its unit part starts at 25
TEST(Reservations, ATaskStartsWhenItsSharedPartWillFindTheUnitFree) {
  ProblemBuilder build;
  const GroupId streams = build.group(2, {build.resource()});
  const TaskId a = build.task(streams, TaskCost{5, 20, {20}});
  const TaskId b = build.task(streams, TaskCost{5, 20, {20}});
  ReservationTable table(build.get());
  EXPECT_EQ(table.reserve(a, 0, Direction::kForwards).start_ns, 0);
  const auto slot = table.reserve(b, 0, Direction::kForwards);
  EXPECT_EQ(slot.start_ns, 20);
  EXPECT_EQ(slot.lane, LaneId(1));
}

// Backwards, what is taken for less than the work lies at the end of it:
//   link 0   [ work 20  ]       forwards   [ bus 10 ]
//   link 1   [ work 20  ]                            [ bus 10 ]    starts at 10
//   both on a switch, too, for 4: free before
TEST(Reservations, ATaskStartsWhenAllThatItTakesIsFree) {
  ProblemBuilder build;
  const SharedResourceId bus = build.resource();
  const SharedResourceId at_switch = build.resource();
  const TaskId a = build.task(build.group(1, {bus, at_switch}), TaskCost{0, 20, {10, 4}});
  const TaskId b = build.task(build.group(1, {at_switch, bus}), TaskCost{3, 20, {4, 10}});
  const TaskId c = build.task(build.group(1, {at_switch}), TaskCost{0, 20, {6}});
  ReservationTable table(build.get());
  EXPECT_EQ(table.reserve(a, 0, Direction::kForwards).start_ns, 0);
  EXPECT_EQ(table.reserve(b, 0, Direction::kForwards).start_ns, 7);
  EXPECT_EQ(table.reserve(c, 0, Direction::kForwards).start_ns, 4);  // between the two
  table.clear();
  EXPECT_EQ(table.reserve(a, 0, Direction::kBackwards).start_ns, 0);
  EXPECT_EQ(table.reserve(b, 0, Direction::kBackwards).start_ns, 10);
}

}  // namespace
}  // namespace graphc
