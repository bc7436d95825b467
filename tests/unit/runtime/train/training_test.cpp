#include "runtime/train/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/base/npy.h"
#include "runtime/plan/plan_file.h"
#include "runtime/session/checkpoint.h"
#include "runtime/train/scalar_outputs.h"
#include "tests/unit/runtime/base/temporary_folder.h"
#include "tests/unit/runtime/engine/training_plan.h"
#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kStepsPerEpoch = 5;  // 10 rows, 2 a step

/// The mean of the training plan's w: an evaluation without rows of its own.
Plan mean_of_weights() {
  PlanBuilder p;
  const LaneId worker = p.lane("cpu.0");
  const LaneId output = p.lane("output", LaneKind::kOutput);
  const BufferId w = p.buffer("w", kHostDevice, 1, 12);
  const BufferId mean = p.buffer("m", kHostDevice, 1, 1);
  p.state("w", {w});
  const InstructionId computed = p.kernel(worker, "m", "mean", {{w}}, mean);
  p.wait(computed, output, 1, 1);
  p.wait(p.output(output, "m", {mean}), worker, 1);
  Plan plan = p.build();
  plan.name = "mean of w";
  plan.buffers[w].type.shape = {4, 3};
  plan.states[0].type.shape = {4, 3};
  plan.buffers[mean].type.shape = {};
  return plan;
}

/// Files of a user who has nothing but the library: a plan to train, its rows, and a plan to
/// evaluate with.
class TrainingTest : public ::testing::Test {
 protected:
  TrainingTest() {
    Plan plan = TrainingPlan::make(Overlap::kPipelined);
    plan.inputs[InputId(0)].feed_path = "x.npy";
    EXPECT_TRUE(write_npy(folder_ / "x.npy", training_rows()));
    EXPECT_TRUE(write_plan(plan, folder_ / "train.bin"));
    EXPECT_TRUE(write_plan(mean_of_weights(), folder_ / "eval.bin"));
  }

  Session load() const {
    Result<Session> session = Session::load(folder_ / "train.bin", emulated());
    EXPECT_TRUE(session) << session.error().message;
    EXPECT_TRUE(session->set_row_order(RowOrder::shuffled(3)));
    return *std::move(session);
  }

  Evaluation load_evaluation(const Session& training) const {
    Result<Evaluation> evaluation = Evaluation::load(folder_ / "eval.bin", emulated(), training);
    EXPECT_TRUE(evaluation) << evaluation.error().message;
    return *std::move(evaluation);
  }

  /// What evaluates, writes metrics and checkpoints.
  TrainingOptions all_options() const {
    return {.evaluation_every = 7,
            .metrics = folder_ / "metrics.csv",
            .metrics_every = 4,
            .checkpoint = folder_ / "run.safetensors",
            .checkpoint_every = 6};
  }

  /// w after so many steps of a run in one piece.
  Tensor weights_after(int64_t num_steps) const {
    Session session = load();
    EXPECT_TRUE(session.run(num_steps));
    return session.state("w").value();
  }

  std::string text_of(const std::string& name) const {
    const std::vector<std::byte> bytes = read_file(folder_ / name).value();
    std::string text(bytes.size(), ' ');
    std::memcpy(text.data(), bytes.data(), bytes.size());
    return text;
  }

  std::vector<std::string> lines_of(const std::string& name) const {
    std::vector<std::string> lines;
    std::istringstream text(text_of(name));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  const TemporaryFolder folder_;
};

/// Notes what it is told, and ends the run after a number of steps.
class Notes final : public TrainingObserver {
 public:
  explicit Notes(int64_t last_step = std::numeric_limits<int64_t>::max()) : last_step_(last_step) {}

  void on_start(StepRange steps) override {
    EXPECT_EQ(steps.first, num_steps_);
    EXPECT_GT(steps.count, 0);
  }
  void on_finish(StepRange steps, const std::vector<Tensor>& values) override {
    num_steps_ = steps.first + steps.count;
    ASSERT_EQ(values.size(), 1U);
    const auto losses = values[0].as<float>();
    ASSERT_EQ(static_cast<int64_t>(losses.size()), steps.count);
    losses_.insert(losses_.end(), losses.begin(), losses.end());
  }
  void on_evaluation(int64_t num_steps, const std::vector<Mean>& means) override {
    ASSERT_EQ(means.size(), 1U);
    EXPECT_EQ(means[0].output, "m");
    evaluated_.push_back(num_steps);
    means_.push_back(means[0]);
  }
  bool wants_to_stop() override { return num_steps_ >= last_step_; }

  const std::vector<float>& losses() const { return losses_; }
  const std::vector<int64_t>& evaluated() const { return evaluated_; }
  const std::vector<Mean>& means() const { return means_; }

 private:
  int64_t last_step_;
  int64_t num_steps_ = 0;
  std::vector<float> losses_;
  std::vector<int64_t> evaluated_;
  std::vector<Mean> means_;
};

TEST_F(TrainingTest, TrainsInEpochsWithTheBitsOfARunInOnePiece) {
  Session session = load();
  const Result<int64_t> end_step = steps_of_epochs(session, 4);
  ASSERT_TRUE(end_step) << end_step.error().message;
  ASSERT_EQ(*end_step, 4 * kStepsPerEpoch);
  auto training = Training::create(session, *end_step, all_options(), load_evaluation(session));
  ASSERT_TRUE(training) << training.error().message;
  Notes notes;
  const Result<TrainingResult> result = training->run({}, &notes);
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_TRUE(training->end_metrics());
  EXPECT_EQ(result->num_steps, 20);
  EXPECT_EQ(result->end, TrainingEnd::kFinished);

  EXPECT_EQ(session.state("w").value(), weights_after(20));
  Session whole = load();
  ASSERT_TRUE(whole.stack_output("l"));
  ASSERT_TRUE(whole.run(20));
  const Tensor losses = whole.stacked("l").value();
  EXPECT_TRUE(std::ranges::equal(notes.losses(), losses.as<float>()));
}

TEST_F(TrainingTest, EvaluatesTheStatesWhenItIsDueAndAtTheEnd) {
  Session session = load();
  auto training = Training::create(session, 20, all_options(), load_evaluation(session));
  ASSERT_TRUE(training) << training.error().message;
  Notes notes;
  ASSERT_TRUE(training->run({}, &notes));
  EXPECT_THAT(notes.evaluated(), ElementsAre(7, 14, 20));
  const Tensor weights = weights_after(14);
  double sum = 0;
  for (const float weight : weights.as<float>()) sum += static_cast<double>(weight);
  EXPECT_NEAR(notes.means()[1].value, sum / 12, 1e-6);
  EXPECT_EQ(std::stof(notes.means()[1].text), static_cast<float>(notes.means()[1].value));
}

// Steps 4, 8, ...; those of evaluations; the last one. After each there is an epoch more or less.
TEST_F(TrainingTest, WritesATableOfMetrics) {
  Session session = load();
  auto training = Training::create(session, 20, all_options(), load_evaluation(session));
  ASSERT_TRUE(training) << training.error().message;
  Notes notes;
  ASSERT_TRUE(training->run({}, &notes));
  ASSERT_TRUE(training->end_metrics());
  const std::vector<std::string> lines = lines_of("metrics.csv");
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[0], "step,epoch,l,eval:m");
  std::vector<std::string> steps;
  for (size_t i = 1; i < lines.size(); ++i) steps.push_back(lines[i].substr(0, lines[i].find(',')));
  EXPECT_THAT(steps, ElementsAre("4", "7", "8", "12", "14", "16", "20"));
  EXPECT_THAT(lines[1], StartsWith("4,0,"));
  EXPECT_THAT(lines[1], EndsWith(","));
  EXPECT_THAT(lines[2], StartsWith("7,1,"));
  EXPECT_THAT(lines[2], EndsWith("," + notes.means()[0].text));
  EXPECT_THAT(lines[7], StartsWith("20,4,"));
}

// It stops after the first piece that ends at step 9 or later, and is as a run to there would be.
TEST_F(TrainingTest, GoesOnFromItsCheckpointWithTheSameBitsAndTheSameTable) {
  const auto train = [&](Session& session, bool is_resumed, TrainingObserver* observer) {
    TrainingOptions options = all_options();
    options.is_resumed = is_resumed;
    auto training = Training::create(session, 20, options, load_evaluation(session));
    EXPECT_TRUE(training) << training.error().message;
    const Result<TrainingResult> result = training->run({}, observer);
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_TRUE(training->end_metrics());
    return *result;
  };
  Session whole = load();
  train(whole, false, nullptr);
  const std::string table = text_of("metrics.csv");
  std::filesystem::remove(folder_ / "run.safetensors");

  Session first = load();
  EXPECT_FALSE(resume_if_there(first, folder_ / "run.safetensors").value());
  Notes notes(9);
  const TrainingResult stopped = train(first, false, &notes);
  EXPECT_EQ(stopped.end, TrainingEnd::kStopped);
  EXPECT_GE(stopped.num_steps, 9);
  EXPECT_LT(stopped.num_steps, 20);
  EXPECT_EQ(first.state("w").value(), weights_after(stopped.num_steps));

  Session second = load();
  EXPECT_TRUE(resume_if_there(second, folder_ / "run.safetensors").value());
  EXPECT_EQ(second.next_step(), stopped.num_steps);
  EXPECT_EQ(train(second, true, nullptr).num_steps, 20 - stopped.num_steps);
  EXPECT_EQ(second.state("w").value(), whole.state("w").value());
  EXPECT_EQ(text_of("metrics.csv"), table);
}

TEST_F(TrainingTest, EvaluatesStatesAsTheyAreWhereNoStepIsLeft) {
  Session session = load();
  auto training = Training::create(session, 0, {}, load_evaluation(session));
  ASSERT_TRUE(training) << training.error().message;
  Notes notes;
  const Result<TrainingResult> result = training->run({}, &notes);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->num_steps, 0);
  EXPECT_THAT(notes.evaluated(), ElementsAre(0));
}

TEST_F(TrainingTest, LeavesTheStacksOfKeptOutputsAlone) {
  Session session = load();
  ASSERT_TRUE(session.stack_output("l"));
  auto training = Training::create(session, 20, {.checkpoint_every = 6, .kept_outputs = {"l"}});
  ASSERT_TRUE(training) << training.error().message;
  Notes notes;
  ASSERT_TRUE(training->run({}, &notes));
  EXPECT_EQ(session.stacked("l").value().type.shape, Shape{20});
  EXPECT_EQ(notes.losses().size(), 20U);
}

TEST_F(TrainingTest, EndsBeforeAStepThatGivesANan) {
  Tensor rows = training_rows();
  rows.as<float>()[size_t{3} * 2 * 4] = std::numeric_limits<float>::quiet_NaN();
  Session session = load();
  ASSERT_TRUE(session.set_row_order({}));
  ASSERT_TRUE(session.set_input("x", rows));
  TrainingOptions options = all_options();
  options.detects_nan = true;
  auto training = Training::create(session, 20, options);
  ASSERT_TRUE(training) << training.error().message;
  const Result<TrainingResult> result = training->run();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kMismatch);
  EXPECT_EQ(result.error().message, "step 3: output 'l' is not finite; it comes from input 'x'");
  EXPECT_TRUE(training->has_found_non_finite());
  EXPECT_EQ(session.next_step(), 3);
}

TEST_F(TrainingTest, RefusesWhatCannotBe) {
  Session session = load();
  for (const int64_t never : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    for (const TrainingOptions& options :
         {TrainingOptions{.evaluation_every = never}, TrainingOptions{.metrics_every = never},
          TrainingOptions{.checkpoint_every = never}}) {
      const auto training = Training::create(session, 20, options);
      ASSERT_FALSE(training);
      EXPECT_EQ(training.error().kind, ErrorKind::kUsage);
    }
  }
  EXPECT_FALSE(Training::create(session, std::numeric_limits<int64_t>::max()));
  EXPECT_FALSE(Training::create(session, 20, {.metrics = folder_ / "nowhere" / "metrics.csv"}));
  for (const int64_t num_epochs : {int64_t{-1}, kMaxEpochs + 1}) {
    EXPECT_EQ(steps_of_epochs(session, num_epochs).error().kind, ErrorKind::kUsage);
  }
}

TEST_F(TrainingTest, EvaluatesWithNoPlanThatLacksWhatItNeeds) {
  const Session session = load();
  const auto reason = [&](const Plan& plan) {
    EXPECT_TRUE(write_plan(plan, folder_ / "other.bin"));
    const auto evaluation = Evaluation::load(folder_ / "other.bin", emulated(), session);
    return evaluation ? "none" : evaluation.error().message;
  };
  Plan plan = mean_of_weights();
  plan.states[0].name = "v";
  EXPECT_THAT(reason(plan), HasSubstr("'training' has no state 'v' to hand over"));
  EXPECT_THAT(reason(TrainingPlan::make(Overlap::kSerial)),
              HasSubstr("input 'x' has no feed in the graph"));
}

TEST_F(TrainingTest, WhatAnObserverThrowsIsAnErrorOfTheRun) {
  class Thrower final : public TrainingObserver {
    void on_start(StepRange) override { throw std::runtime_error("enough"); }
  };
  Session session = load();
  auto training = Training::create(session, 20);
  ASSERT_TRUE(training) << training.error().message;
  Thrower thrower;
  const Result<TrainingResult> result = training->run({}, &thrower);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("enough"));
}

}  // namespace
}  // namespace graphrt
