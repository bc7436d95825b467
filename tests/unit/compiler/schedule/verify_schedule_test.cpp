#include <gtest/gtest.h>

#include "compiler/schedule/schedule.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

/// Two independent chains of two on one stream, fed by two copies.
///
///   cpu->gpu0      [x -> gpu0][y -> gpu0]
///   gpu0.stream0              [a][c]      [b][d]
class VerifySchedule : public testing::Test {
 protected:
  TaskId task(const std::string& name) const { return task_named(schedule_.tasks, name); }
  LaneId lane(const std::string& name) const { return lane_named(schedule_.tasks, name); }
  std::vector<TaskId>& tasks_on(const std::string& name) {
    return schedule_.solution.lanes[lane(name)];
  }
  /// Orders the lane as given and puts everything into stage 0.
  void set_order(const std::string& name, const std::vector<std::string>& order) {
    tasks_on(name).clear();
    for (const std::string& each : order) tasks_on(name).push_back(task(each));
  }
  void SetUp() override {
    for (ScheduledTask& each : schedule_.solution.tasks) each.stage = 0;
  }
  Violation verify() const { return verify_schedule(schedule_); }

  Schedule schedule_ = schedule_of(graph_of("graph g\n"
                                            "input %x : f32[4]\n"
                                            "input %y : f32[4]\n"
                                            "%a = relu(%x) device gpu0\n"
                                            "%b = relu(%y) device gpu0\n"
                                            "%c = tanh(%a) device gpu0\n"
                                            "%d = tanh(%b) device gpu0\n"
                                            "output %c on gpu0\n"
                                            "output %d on gpu0\n"),
                                   star_machine());
};

TEST_F(VerifySchedule, AcceptsTheUnbrokenOne) { EXPECT_EQ(verify(), std::nullopt); }

TEST_F(VerifySchedule, AnotherLegalOrderIsAccepted) {
  set_order("gpu0.stream0", {"b", "a", "d", "c"});
  EXPECT_EQ(verify(), std::nullopt);
}

TEST_F(VerifySchedule, ALaneOfAnotherKind) {
  std::erase(tasks_on("gpu0.stream0"), task("d"));
  tasks_on("cpu.worker0").push_back(task("d"));
  schedule_.solution.tasks[task("d")].lane = lane("cpu.worker0");
  EXPECT_EQ(verify(), "lane cpu.worker0 cannot run 'd'");
}

TEST_F(VerifySchedule, ATaskOnAnotherLaneThanItSays) {
  schedule_.solution.tasks[task("d")].lane = lane("feed");
  EXPECT_EQ(verify(), "'d' stands on another lane than it says");
}

TEST_F(VerifySchedule, ATaskThatIsMissing) {
  std::erase(tasks_on("gpu0.stream0"), task("d"));
  EXPECT_EQ(verify(), "'d' stands 0 times");
}

TEST_F(VerifySchedule, ATaskThatStandsTwice) {
  tasks_on("gpu0.stream0").push_back(task("d"));
  EXPECT_EQ(verify(), "'d' stands 2 times");
}

TEST_F(VerifySchedule, AStageBeforeThatOfAProducer) {
  schedule_.solution.tasks[task("a")].stage = 1;
  EXPECT_EQ(verify(), "'c' (stage 0) would run before 'a' (stage 1), on which it depends");
}

TEST_F(VerifySchedule, AnOrderAgainstADependencyOnOneLane) {
  set_order("gpu0.stream0", {"c", "a", "b", "d"});
  EXPECT_EQ(verify(), "'c' stands before 'a', on which it depends");
}

//   gpu0.stream0  [c][a]     c waits for b, behind d;
//   cpu.worker0   [d][b]     d waits for a, behind c
TEST_F(VerifySchedule, LanesThatWaitForEachOther) {
  Schedule crossed = schedule_of(graph_of("graph g\n"
                                          "state %v : f32[4] init zeros\n"
                                          "state %w : f32[4] init zeros\n"
                                          "%a = relu(%v) device gpu0\n"
                                          "%b = relu(%w) device cpu\n"
                                          "%c = tanh(%b) device gpu0\n"
                                          "%d = tanh(%a) device cpu\n"
                                          "output %d\n"
                                          "output %c on gpu0\n"),
                                 star_machine());
  for (ScheduledTask& each : crossed.solution.tasks) each.stage = 0;
  const auto order = [&](const std::string& lane_name, const std::string& first,
                         const std::string& second) {
    crossed.solution.lanes[lane_named(crossed.tasks, lane_name)] = {
        task_named(crossed.tasks, first), task_named(crossed.tasks, second)};
  };
  order("gpu0.stream0", "c", "a");
  order("cpu.worker0", "d", "b");
  EXPECT_EQ(verify_schedule(crossed).value_or("").substr(0, 10), "deadlock: ");
  EXPECT_NE(verify_schedule(crossed)->find("c waits for "), std::string::npos);
  // With one lane turned around nobody waits for himself any more.
  order("cpu.worker0", "b", "d");
  EXPECT_EQ(verify_schedule(crossed), std::nullopt);
}

TEST_F(VerifySchedule, RandomSchedulesVerify) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    EXPECT_EQ(verify_schedule(random_schedule(seed)), std::nullopt) << "seed " << seed;
  }
}

}  // namespace
}  // namespace graphc
