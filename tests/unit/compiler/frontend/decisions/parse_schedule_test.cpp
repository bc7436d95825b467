#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/frontend/decisions/parse_schedule.h"
#include "compiler/schedule/schedule.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

/// Lane, task and stage of every line: what a reader of the text takes from it.
std::string without_times(const std::string& text) {
  std::string result;
  size_t at = 0;
  while (at < text.size()) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    result += line.substr(0, line.find(" start=")) + "\n";
    at = end + 1;
  }
  return result;
}

TEST(ScheduleText, WhatIsPrintedReadsBackToTheSameLanesOrderAndStages) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Schedule schedule = random_schedule(seed);
    const std::string text = print_schedule(schedule);
    DiagnosticSink sink;
    const auto parsed = parse_schedule(file_of("s.schedule", text), schedule.tasks, sink);
    ASSERT_TRUE(parsed) << sink.render_all();
    EXPECT_EQ(without_times(print_schedule(*parsed)), without_times(text));
    // Times are computed again, from the text alone: the second time nothing changes any more.
    const std::string second = print_schedule(*parsed);
    const auto again = parse_schedule(file_of("s.schedule", second), schedule.tasks, sink);
    ASSERT_TRUE(again) << sink.render_all();
    EXPECT_EQ(print_schedule(*again), second);
  }
}

/// a and b are independent of each other; c needs both.
class EditedSchedule : public testing::Test {
 protected:
  Result<Schedule> parse(const std::string& text) {
    sink_ = DiagnosticSink();
    return parse_schedule(file_of("s.schedule", text), tasks_, sink_);
  }
  std::string error_of(const std::string& text) {
    EXPECT_FALSE(parse(text)) << text;
    return sink_.render_all();
  }

  Machine machine_ = machine_of(
      "machine: m\ndevices:\n"
      "  cpu: {kind: cpu, workers: 2, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s},"
      " launch: 0ns}\n");
  TaskGraph tasks_ = tasks_of(graph_of("graph g\n"
                                       "state %w : f32[4] init zeros\n"
                                       "%a = relu(%w)\n"
                                       "%b = tanh(%w)\n"
                                       "%c = add(%a, %b)\n"
                                       "output %c\n"),
                              machine_);
  DiagnosticSink sink_;
};

TEST_F(EditedSchedule, AnotherOrderIsTimedAgain) {
  // relu and tanh move 32 bytes: 64 ns on one worker of two; add 48: 96 ns.
  const auto schedule = parse(
      "schedule g   # b before a\n"
      "cpu.worker0  b  stage=0\n"
      "\n"
      "cpu.worker0  a  stage=0 start=999ns end=0ns because i_say_so\n"
      "cpu.worker0  c  stage=0\n"
      "output  output c  stage=0\n");
  ASSERT_TRUE(schedule) << sink_.render_all();
  EXPECT_THAT(
      print_schedule(*schedule),
      testing::StartsWith("schedule g\n"
                          "cpu.worker0  b  stage=0 start=0ns end=64ns because as_written\n"
                          "cpu.worker0  a  stage=0 start=64ns end=128ns because as_written\n"
                          "cpu.worker0  c  stage=0 start=128ns end=224ns because as_written\n"));
}

TEST_F(EditedSchedule, AnotherLaneOfTheSameDeviceIsTakenOver) {
  const auto schedule = parse(
      "cpu.worker1  b  stage=0\ncpu.worker0  a  stage=0\ncpu.worker1  c  stage=0\n"
      "output  output c  stage=0\n");
  ASSERT_TRUE(schedule) << sink_.render_all();
  const TaskId a = task_named(tasks_, "a");
  const TaskId b = task_named(tasks_, "b");
  EXPECT_EQ(schedule->solution.tasks[a].start_ns, schedule->solution.tasks[b].start_ns);
  EXPECT_NE(schedule->solution.tasks[a].lane, schedule->solution.tasks[b].lane);
}

// c one stage behind a and b: both of its operands live on while the next step writes new ones.
TEST_F(EditedSchedule, AnotherStageIsTakenOverWithTheVersionsItNeeds) {
  const auto schedule = parse(
      "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=0\ncpu.worker1  c  stage=1\n"
      "output  output c  stage=1\n");
  ASSERT_TRUE(schedule) << sink_.render_all();
  EXPECT_EQ(schedule->solution.tasks[task_named(tasks_, "c")].stage, 1);
  EXPECT_EQ(verify_schedule(*schedule), std::nullopt);
  int32_t most = 0;
  for (const int32_t versions : schedule->versions) most = std::max(most, versions);
  EXPECT_EQ(most, 2);
}

// A task on a lane that is not there is not missing on top of that.
TEST_F(EditedSchedule, NamesThatAreNotThere) {
  EXPECT_EQ(error_of("cpu.worker2  a  stage=0\ncpu.worker0  bb  stage=0\n"
                     "cpu.worker0  b  stage=0\ncpu.worker0  c  stage=0\n"
                     "output  output c  stage=0\n"),
            "s.schedule:1:1: error: unknown lane 'cpu.worker2'\n"
            "cpu.worker2  a  stage=0\n"
            "^~~~~~~~~~~\n"
            "  hint: did you mean 'cpu.worker0'?\n"
            "s.schedule:2:14: error: unknown task 'bb'\n"
            "cpu.worker0  bb  stage=0\n"
            "             ^~\n"
            "  hint: did you mean 'b'?\n");
}

TEST_F(EditedSchedule, ATaskTwiceOrNotAtAll) {
  EXPECT_EQ(error_of("cpu.worker0  a  stage=0\ncpu.worker1  a  stage=0\n"
                     "cpu.worker0  c  stage=0\noutput  output c  stage=0\n"),
            "s.schedule:1:1: error: task 'b' is missing\n"
            "cpu.worker0  a  stage=0\n"
            "^\n"
            "s.schedule:2:14: error: task 'a' stands twice; first in line 1\n"
            "cpu.worker1  a  stage=0\n"
            "             ^\n");
}

TEST_F(EditedSchedule, LinesThatAreNoTaskLines) {
  EXPECT_EQ(error_of("cpu.worker0 a stage=0\ncpu.worker0  a  stage=-1\n"
                     "cpu.worker0  b  stage=0\ncpu.worker0  c  stage=0\n"
                     "output  output c  stage=0\n"),
            "s.schedule:1:1: error: expected a lane, a task and its stage\n"
            "cpu.worker0 a stage=0\n"
            "^~~~~~~~~~~~~~~~~~~~~\n"
            "  hint: gpu0.stream0  z1  stage=0, with two spaces between the columns\n"
            "s.schedule:2:17: error: expected stage=N, with N from 0 to 100\n"
            "cpu.worker0  a  stage=-1\n"
            "                ^~~~~~~~\n");
}

// A plan has an upper limit of steps in flight: no file gets past it.
TEST_F(EditedSchedule, AStageThatNoPlanCanHold) {
  EXPECT_THAT(error_of("cpu.worker0  a  stage=0\ncpu.worker0  b  stage=0\n"
                       "cpu.worker0  c  stage=101\noutput  output c  stage=101\n"),
              testing::HasSubstr("error: expected stage=N, with N from 0 to 100\n"));
  const auto schedule = parse(
      "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=0\n"
      "cpu.worker0  c  stage=100\noutput  output c  stage=100\n");
  EXPECT_TRUE(schedule) << sink_.render_all();
}

TEST_F(EditedSchedule, ALaneThatCannotRunTheTask) {
  EXPECT_THAT(error_of("output  a  stage=0\ncpu.worker0  b  stage=0\n"
                       "cpu.worker0  c  stage=0\noutput  output c  stage=0\n"),
              testing::HasSubstr("error: this schedule is not possible: lane output cannot run "
                                 "'a'\n"));
}

TEST_F(EditedSchedule, AnOrderAgainstADependency) {
  EXPECT_THAT(error_of("cpu.worker0  c  stage=0\ncpu.worker0  a  stage=0\n"
                       "cpu.worker0  b  stage=0\noutput  output c  stage=0\n"),
              testing::HasSubstr("error: this schedule is not possible: 'c' stands before 'a', on "
                                 "which it depends\n"));
}

}  // namespace
}  // namespace graphc
