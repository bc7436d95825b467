#include "compiler/schedule/joint_launches.h"
#include "compiler/frontend/decisions/parse_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/schedule/schedule.h"
#include "runtime/proof/happens_before.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Launching takes 1 us on the GPU, where 12 bytes take 1 ns: updates of 1000 bytes take less.
Machine machine_with_launches() {
  return machine_of(
      "machine: m\ndevices:\n"
      "  cpu: {kind: cpu, workers: 1, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s},"
      " launch: 1us}\n"
      "  gpu0: {kind: cuda, streams: 2, memory: 1GiB, rates: {matmul_f32: 10GFLOP/s, bytes:"
      " 12GB/s}, launch: 1us}\n"
      "links:\n  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 100ns}\n");
}

/// A state of `size` elements called `name`, and its update from `%g` of that size.
std::string state_line(const std::string& name, int size) {
  return "state %" + name + " : f32[" + std::to_string(size) + "] init zeros\n";
}
std::string update_line(const std::string& name, const std::string& more = "") {
  return "%" + name + ".new = sgd_update(%" + name + ", %" + name +
         ") {learning_rate = 0.1} device gpu0" + more + " updates %" + name + "\n";
}

std::vector<std::vector<std::string>> launches_of(const std::string& graph) {
  const TaskGraph tasks = tasks_of(graph_of("graph g\n" + graph), machine_with_launches());
  std::vector<std::vector<std::string>> names;
  for (const Launch& launch : joint_launches(tasks)) {
    names.emplace_back();
    for (const TaskId task : launch) names.back().push_back(tasks.tasks[task].name);
  }
  return names;
}

TEST(JointLaunches, SmallUpdatesOfOneAccelerator) {
  EXPECT_THAT(
      launches_of(
          state_line("a", 8) + state_line("b", 100) + state_line("large", 4000) +
          state_line("kept", 8) + state_line("host", 8) + update_line("a") + update_line("b") +
          update_line("large") + update_line("kept", " keep") +
          "%host.new = sgd_update(%host, %host) {learning_rate = 0.1} device cpu updates %host\n"),
      ElementsAre(ElementsAre("a.new", "b.new")));
}

TEST(JointLaunches, OneAloneIsNone) {
  EXPECT_THAT(launches_of(state_line("a", 8) + update_line("a")), IsEmpty());
}

// What an update needs of another one comes in a launch before.
TEST(JointLaunches, AveragesBeforeWhatReadsThem) {
  EXPECT_THAT(
      launches_of(
          state_line("a", 8) + state_line("b", 8) + state_line("a.m", 8) + state_line("b.m", 8) +
          "%a.m.new = momentum_update(%a.m, %a) {momentum = 0.9} device gpu0 updates %a.m\n"
          "%b.m.new = momentum_update(%b.m, %b) {momentum = 0.9} device gpu0 updates %b.m\n"
          "%a.new = sgd_update(%a, %a.m.new) {learning_rate = 0.1} device gpu0 updates %a\n"
          "%b.new = sgd_update(%b, %b.m.new) {learning_rate = 0.1} device gpu0 updates %b\n"),
      ElementsAre(ElementsAre("a.m.new", "b.m.new"), ElementsAre("a.new", "b.new")));
}

// b.new reads the a of before, which a.new replaces: not at the same time.
TEST(JointLaunches, NotWithWhatReplacesAnOperand) {
  EXPECT_THAT(
      launches_of(state_line("a", 8) + state_line("b", 8) + update_line("a") +
                  "%b.new = sgd_update(%b, %a) {learning_rate = 0.1} device gpu0 updates %b\n"),
      IsEmpty());
}

// Where the old a is kept beside the new one, no order is between them in a step; but their buffer
// is one, and its places change from step to step.
TEST(JointLaunches, NotWithWhatReplacesAnOperandElsewhereInItsBuffer) {
  EXPECT_THAT(launches_of(state_line("a", 8) + state_line("b", 8) + update_line("a") +
                          "%b.new = sgd_update(%b, %a) {learning_rate = 0.1} device gpu0"
                          " updates %b\noutput %a on gpu0\n"),
              IsEmpty());
}

// Whatever order the file has them in; what takes longest to launch goes first.
TEST(JointLaunches, ByNameAndNotByTheOrderOfNodes) {
  const std::string states = state_line("a", 8) + state_line("b", 8) + state_line("c", 8);
  const auto launches =
      launches_of(states + update_line("c") + update_line("a") + update_line("b"));
  EXPECT_THAT(launches, ElementsAre(ElementsAre("a.new", "b.new", "c.new")));
}

TEST(JointLaunches, NoMoreThanALaunchCanTake) {
  std::string states;
  std::string updates;
  for (int i = 0; i < kMaxOpsInLaunch + 3; ++i) {
    const std::string name = "s" + std::to_string(100 + i);
    states += state_line(name, 8);
    updates += update_line(name);
  }
  const auto launches = launches_of(states + updates);
  ASSERT_EQ(launches.size(), 2U);
  EXPECT_EQ(launches[0].size(), static_cast<size_t>(kMaxOpsInLaunch));
  EXPECT_EQ(launches[1].size(), 3U);
}

/// Four updates that one launch can do, and one that reads what another one makes.
class JointSchedule : public testing::Test {
 protected:
  TaskId task(const std::string& name) const { return task_named(schedule_.tasks, name); }
  ScheduledTask& at(const std::string& name) { return schedule_.solution.tasks[task(name)]; }

  Schedule schedule_ =
      schedule_of(graph_of("graph g\n" + state_line("a", 8) + state_line("b", 8) +
                           state_line("c", 8) + state_line("d", 8) + update_line("a") +
                           update_line("b") + update_line("c") + update_line("d")),
                  machine_with_launches());
};

TEST_F(JointSchedule, TakesOneLaunch) {
  EXPECT_EQ(verify_schedule(schedule_), std::nullopt);
  const std::vector<Launch> launches = launches_in(schedule_.solution);
  ASSERT_EQ(launches.size(), 1U);
  EXPECT_EQ(launches[0].size(), 4U);
  // One launch of 1 us, and 8 + 8 + 8 floats of 4 bytes at 12 GB/s for each.
  EXPECT_EQ(schedule_.solution.latency_ns, 1000 + 4 * 8);
  EXPECT_LE(schedule_.bound.interval_ns, schedule_.solution.interval_ns);
}

TEST_F(JointSchedule, ReadsBackAsPrinted) {
  const std::string text = print_schedule(schedule_);
  EXPECT_THAT(text, HasSubstr("  joined\n"));
  DiagnosticSink sink;
  const auto parsed = parse_schedule(file_of("s.schedule", text), schedule_.tasks, sink);
  ASSERT_TRUE(parsed) << sink.render_all();
  EXPECT_EQ(launches_in(parsed->solution), launches_in(schedule_.solution));
  EXPECT_EQ(parsed->solution.interval_ns, schedule_.solution.interval_ns);
  EXPECT_EQ(parsed->bound.interval_ns, schedule_.bound.interval_ns);
}

TEST_F(JointSchedule, WhatIsJoinedHasItsStage) {
  at("b.new").stage = 1;
  EXPECT_EQ(verify_schedule(schedule_), "'b.new' is joined to 'a.new', which is in another stage");
}

TEST_F(JointSchedule, OnlyUpdatesShareLaunches) {
  Schedule schedule = schedule_of(graph_of("graph g\n" + state_line("a", 8) +
                                           "%r = relu(%a) device gpu0\n"
                                           "%a.new = sgd_update(%a, %r) {learning_rate = 0.1}"
                                           " device gpu0 updates %a\n"),
                                  machine_with_launches());
  schedule.solution.tasks[task_named(schedule.tasks, "a.new")].is_joined = true;
  EXPECT_EQ(verify_schedule(schedule), "'r' cannot share a launch");
}

TEST_F(JointSchedule, WhatDependsOnAnotherSharesNoLaunchWithIt) {
  Schedule schedule =
      schedule_of(graph_of("graph g\n" + state_line("a", 8) + state_line("m", 8) +
                           "%m.new = momentum_update(%m, %a) {momentum = 0.9} device gpu0"
                           " updates %m\n"
                           "%a.new = sgd_update(%a, %m.new) {learning_rate = 0.1} device gpu0"
                           " updates %a\n"),
                  machine_with_launches());
  const TaskId m = task_named(schedule.tasks, "m.new");
  const TaskId a = task_named(schedule.tasks, "a.new");
  ASSERT_EQ(schedule.solution.tasks[m].lane, schedule.solution.tasks[a].lane);
  schedule.solution.tasks[a].is_joined = true;
  EXPECT_THAT(*verify_schedule(schedule), HasSubstr("cannot share a launch with"));
}

TEST_F(JointSchedule, ApartIfItIsToBe) {
  EXPECT_TRUE(launches_in(schedule_tasks(schedule_.tasks, Launches::kSeparate).solution).empty());
}

TEST_F(JointSchedule, TheFirstOfALaneIsJoinedToNothing) {
  at("a.new").is_joined = true;
  EXPECT_EQ(verify_schedule(schedule_), "'a.new' is joined to nothing: its lane begins there");
}

}  // namespace
}  // namespace graphc
