#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/safetensors.h"
#include "runtime/observe/reference_check.h"
#include "runtime/session/checkpoint.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

Session open(Plan plan, const Tensor& rows = training_rows()) {
  Result<Session> session = Session::create(std::move(plan), "", emulated(), builtin_devices());
  EXPECT_TRUE(session) << session.error().message;
  EXPECT_TRUE(session->set_input("x", rows));
  EXPECT_TRUE(session->stack_output("l"));
  return *std::move(session);
}

Session open(Overlap overlap) { return open(TrainingPlan::make(overlap)); }

TEST(ShuffledSession, GivesTheSameBitsHoweverTheStepsAreRun) {
  Session serial = open(Overlap::kSerial);
  Session pipelined = open(Overlap::kPipelined);
  Session pieces = open(Overlap::kPipelined);
  for (Session* session : {&serial, &pipelined, &pieces}) {
    session->set_row_order(RowOrder::shuffled(5));
  }
  ASSERT_TRUE(serial.run(23));
  ASSERT_TRUE(pipelined.run(23));
  for (const int64_t count : {1, 2, 7, 13}) ASSERT_TRUE(pieces.run(count));
  for (const Session* other : {&pipelined, &pieces}) {
    EXPECT_EQ(*other->stacked("l"), *serial.stacked("l"));
    EXPECT_EQ(*other->state("w"), *serial.state("w"));
  }
  Session in_order = open(Overlap::kSerial);
  ASSERT_TRUE(in_order.run(23));
  EXPECT_NE(*in_order.stacked("l"), *serial.stacked("l"));
}

TEST(ShuffledSession, AgreesWithTheReference) {
  Session session = open(Overlap::kPipelined);
  session.set_row_order(RowOrder::shuffled(6));
  const auto check = ReferenceCheck::begin(session);
  ASSERT_TRUE(check);
  ASSERT_TRUE(session.run(23));
  const auto report = check->finish(session);
  ASSERT_TRUE(report) << report.error().message;
}

TEST(FeedRows, SaysHowStepsDivideTheRows) {
  Session session = open(Overlap::kSerial);
  const auto rows = session.feed_rows();
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->num_rows, 10);
  EXPECT_EQ(rows->batch, 2);
  Session whole = open(TrainingPlan::make(Overlap::kSerial), zeros({ElementType::kF32, {2, 4}}));
  const auto one = whole.feed_rows();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->num_rows, 1);
  EXPECT_EQ(one->batch, 1);
}

TEST(StartAt, GoesOnWithTheRowsOfThatStep) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    Session whole = open(overlap);
    ASSERT_TRUE(whole.run(9));
    Session first = open(overlap);
    ASSERT_TRUE(first.run(4));
    Session second = open(overlap);
    ASSERT_TRUE(second.start_at(4));
    ASSERT_TRUE(second.set_state("w", *first.state("w")));
    ASSERT_TRUE(second.stack_output("l"));
    EXPECT_FALSE(second.last("l")) << "no step has run";
    EXPECT_FALSE(second.last("z")) << "no step has run";
    EXPECT_FALSE(second.stacked("l"));
    ASSERT_TRUE(second.run(5));
    EXPECT_EQ(*second.state("w"), *whole.state("w"));
    EXPECT_EQ(*second.stacked("l"), *whole.stacked("l", {4, 5}));
    EXPECT_EQ(*second.last("z"), *whole.last("z"));
    EXPECT_EQ(second.next_step(), 9);
  }
}

TEST(StartAt, KeepsTheStatesAndRefusesNegativeSteps) {
  Session session = open(Overlap::kPipelined);
  ASSERT_TRUE(session.run(3));
  const Tensor before = *session.state("w");
  ASSERT_TRUE(session.start_at(0));
  EXPECT_EQ(*session.state("w"), before);
  EXPECT_FALSE(session.start_at(-1));
}

TEST(StackedSteps, AreThoseThatWereKept) {
  Session session = open(Overlap::kPipelined);
  ASSERT_TRUE(session.run(3));
  ASSERT_TRUE(session.stack_output("l"));
  ASSERT_TRUE(session.run(4));
  EXPECT_EQ(session.stacked("l", {3, 4})->data, session.stacked("l")->data);
  EXPECT_EQ(session.stacked("l", {5, 1})->as<float>()[0], session.stacked("l")->as<float>()[2]);
  for (const StepRange& steps : {StepRange{2, 2}, StepRange{6, 2}, StepRange{4, 0}}) {
    EXPECT_FALSE(session.stacked("l", steps));
  }
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() { std::filesystem::create_directories(folder_); }
  ~CheckpointTest() override { std::filesystem::remove_all(folder_); }

  /// The file that a run of 4 steps leaves.
  void write(uint64_t seed = 3) {
    Session session = open(Overlap::kPipelined);
    session.set_row_order(RowOrder::shuffled(seed));
    ASSERT_TRUE(session.run(4));
    ASSERT_TRUE(write_checkpoint(session, file_));
  }

  /// The file with something else in it.
  void change(const std::string& key, const std::string& value) {
    Safetensors content = *read_safetensors(file_);
    content.metadata[key] = value;
    ASSERT_TRUE(write_safetensors(file_, content));
  }

  void expect_refused(const std::string& reason, Session& session) {
    const Tensor before = *session.state("w");
    const auto result = resume_from(session, file_);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kInput);
    EXPECT_THAT(result.error().message, HasSubstr(file_.string()));
    EXPECT_THAT(result.error().message, HasSubstr(reason));
    EXPECT_EQ(session.next_step(), 0);
    EXPECT_EQ(*session.state("w"), before);
  }
  void expect_refused(const std::string& reason) {
    Session session = open(Overlap::kPipelined);
    session.set_row_order(RowOrder::shuffled(3));
    expect_refused(reason, session);
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("resume_test." + std::to_string(::getpid()));
  const std::filesystem::path file_ = folder_ / "c.safetensors";
};

TEST_F(CheckpointTest, LetsTheSamePlanGoOnWithTheSameBits) {
  write();
  Session whole = open(Overlap::kPipelined);
  whole.set_row_order(RowOrder::shuffled(3));
  ASSERT_TRUE(whole.run(9));
  Session resumed = open(Overlap::kPipelined);
  resumed.set_row_order(RowOrder::shuffled(3));
  const auto result = resume_from(resumed, file_);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(resumed.next_step(), 4);
  ASSERT_TRUE(resumed.run(5));
  EXPECT_EQ(*resumed.state("w"), *whole.state("w"));
  EXPECT_EQ(*resumed.last("l"), *whole.last("l"));
}

TEST_F(CheckpointTest, IsAFileOfStatesToo) {
  write();
  Session session = open(Overlap::kSerial);
  EXPECT_TRUE(session.load_state(file_, StateMatch::kExact));
}

TEST_F(CheckpointTest, IsRefusedByARunThatCannotGoOnFromIt) {
  write();
  Session in_order = open(Overlap::kPipelined);
  expect_refused("its rows were shuffled with seed 3, those of this run are not shuffled",
                 in_order);
  Session fewer = open(TrainingPlan::make(Overlap::kPipelined), zeros({ElementType::kF32, {8, 4}}));
  fewer.set_row_order(RowOrder::shuffled(3));
  expect_refused("its feeds had 10 rows, those of this run have 8", fewer);
  Plan plan = TrainingPlan::make(Overlap::kPipelined);
  plan.fingerprints.graph = "0123456789abcdef";
  Session other = open(plan);
  other.set_row_order(RowOrder::shuffled(3));
  expect_refused("it is of another graph, 'training'", other);
}

TEST_F(CheckpointTest, IsRefusedWhenItIsDamaged) {
  for (const std::string step : {"", "-1", "four", "4x", "99999999999999999999"}) {
    write();
    change("next_step", step);
    expect_refused("does not say at which step");
  }
  write();
  change("checkpoint", "2");
  expect_refused("another version");

  write();
  Safetensors content = *read_safetensors(file_);
  content.tensors["w"] = zeros({ElementType::kF32, {2}});
  ASSERT_TRUE(write_safetensors(file_, content));
  expect_refused("state 'w' is f32[4, 3] in the plan and f32[2] in the file");
  content.tensors.clear();
  ASSERT_TRUE(write_safetensors(file_, content));
  expect_refused("state 'w' is not in the file");

  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  expect_refused("not a valid safetensors file");
}

TEST_F(CheckpointTest, IsMoreThanAFileOfStates) {
  Session session = open(Overlap::kPipelined);
  ASSERT_TRUE(session.save_state(file_));
  expect_refused("it is not a checkpoint");
}

}  // namespace
}  // namespace graphrt
