#include "runtime/observe/trace_recorder.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "runtime/observe/busy_meter.h"
#include "runtime/observe/timeline_text.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

nlohmann::json traced_run(const Plan& plan, int64_t num_steps) {
  auto session = Session::create(plan, "", emulated(), builtin_devices());
  EXPECT_TRUE(session->set_input("x", training_rows()));
  const auto recorder = TraceRecorder::create(plan, num_steps);
  EXPECT_TRUE(session->run(num_steps, {.mode = RunMode::kPipelined, .observer = recorder->get()}));
  return nlohmann::json::parse((*recorder)->to_json());
}

TEST(TraceRecorder, HasASliceForEveryInstructionOfEveryStepAndSlicesOfALaneFollowEachOther) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const nlohmann::json trace = traced_run(plan, 6);
  std::map<int, double> end_of_lane;
  size_t num_slices = 0;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] != "X") continue;
    ++num_slices;
    double& end = end_of_lane[event["tid"]];
    const double start = event["ts"];
    // Times are printed in whole nanoseconds, start and duration each rounded.
    EXPECT_GE(start, end - 0.002) << event;
    end = start + event["dur"].get<double>();
    EXPECT_GE(event["args"]["step"], 0);
    EXPECT_LT(event["args"]["step"], 6);
  }
  EXPECT_EQ(num_slices, plan.instructions.size() * 6);
}

TEST(TraceRecorder, GroupsLanesByDevice) {
  const nlohmann::json trace = traced_run(TrainingPlan::make(Overlap::kPipelined), 1);
  std::map<std::string, int> process_of;
  for (const auto& event : trace["traceEvents"]) {
    if (event["ph"] == "M") process_of[event["args"]["name"]] = event["pid"];
  }
  EXPECT_EQ(process_of.at("gpu0.0"), process_of.at("gpu0"));
  EXPECT_EQ(process_of.at("cpu->gpu0"), process_of.at("cpu"));
}

TEST(TraceRecorder, RefusesARunThatDoesNotFitIntoMemory) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const auto recorder = TraceRecorder::create(plan, int64_t{1} << 50);
  ASSERT_FALSE(recorder);
  EXPECT_EQ(recorder.error().kind, ErrorKind::kMachine);
}

TEST(BusyMeter, AddsUpTheLanes) {
  const Plan plan = TrainingPlan::make(Overlap::kSerial);
  BusyMeter meter(plan);
  EXPECT_EQ(meter.busy_ns(), 0);
  meter.on_start(LaneId(0), InstructionId(0), 0);
  meter.on_finish(LaneId(0), InstructionId(0), 0);
  EXPECT_GE(meter.busy_ns(), 0);
}

TEST(PredictedTimeline, ListsEveryStepOnItsLane) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const std::string text = predicted_timeline_text(plan, 2);
  // The link takes 1 us for each copy: xs of step 1 goes before w_new of step 0, stage 1.
  const size_t lane = text.find("cpu->gpu0:");
  const size_t next_lane = text.find("gpu0.0:");
  const std::string link = text.substr(lane, next_lane - lane);
  const size_t first = link.find("xs -> gpu0");
  const size_t second = link.find("xs -> gpu0", first + 1);
  const size_t update = link.find("w_new -> gpu0");
  EXPECT_LT(first, second);
  EXPECT_LT(second, update);
  EXPECT_NE(text.find("predicted: "), std::string::npos);
}

}  // namespace
}  // namespace graphrt
