#include "runtime/plan/print_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

TEST(PrintPlan, ShowsTheWholePlan) {
  Plan plan = training_plan().plan;
  plan.instructions[InstructionId(2)].cost = {1000, 2500, {1500}};
  plan.instructions[InstructionId(2)].predicted_start_ns = 22;
  plan.instructions[InstructionId(2)].predicted_end_ns = 3522;
  for (const char* name : {"switch0", "gpu0", "cpu-gpu0"}) plan.resources.push_back({name});
  plan.lanes[LaneId(1)].resources = {SharedResourceId(2), SharedResourceId(0)};
  plan.lanes[LaneId(2)].resources = {SharedResourceId(1)};
  plan.instructions[plan.lanes[LaneId(1)].instructions[0]].cost = {1000, 2500, {700, 1500}};
  plan.outputs.push_back({"w", {BufferId(4), {InstructionId(6)}, 0}, {}});
  EXPECT_EQ(print_plan(plan), R"(plan small
format: 5
compiler: 0.1.0
graph: 0123456789abcdef
machine: fedcba9876543210
features: stages, state, versions
predicted interval: 1.23 us

devices
  cpu: cpu, 1.00 MiB
  gpu0: cuda, 1.00 MiB

arenas
  0: cpu (pinned), 1024 bytes
  1: gpu0, 1280 bytes

buffers
  x@cpu: f32[64] in arena 0 at 0, 256 bytes, 2 versions of stride 256
  w@cpu: f32[64] in arena 0 at 512, 256 bytes
  g@cpu: f32[64] in arena 0 at 768, 256 bytes
  x@gpu0: f32[64] in arena 1 at 0, 256 bytes, 2 versions of stride 256
  w@gpu0: f32[64] in arena 1 at 512, 256 bytes
  h@gpu0: f32[64] in arena 1 at 768, 256 bytes
  g@gpu0: f32[64] in arena 1 at 1024, 256 bytes

lane feeds: feed on cpu
  wait(cpu->gpu0, 1, 2) for x -> gpu0
  x: feed(input x) -> x@cpu stage 0 [0 ns, 0 ns) cost 1 ns + 10 ns

lane cpu->gpu0: link on cpu to gpu0, shares cpu-gpu0, switch0
  wait(feeds, 1, 0) for x
  x -> gpu0: copy(x@cpu) -> x@gpu0 stage 0 [0 ns, 0 ns) cost 1.00 us + 2.50 us, shared 700 ns of cpu-gpu0, 1.50 us of switch0
  wait(cpu.worker, 1, 0) for u
  w -> gpu0: copy(w@cpu) -> w@gpu0 stage 1 [0 ns, 0 ns) cost 1 ns + 10 ns

lane gpu0.compute: compute on gpu0, shares gpu0
  wait(cpu->gpu0, 1, 1) for x -> gpu0
  h: relu(x@gpu0) -> h@gpu0 stage 1 [22 ns, 3522 ns) cost 1.00 us + 2.50 us, shared 1.50 us
  wait(cpu->gpu0, 2, 1) for w -> gpu0
  g: add(h@gpu0, w@gpu0@-1) -> g@gpu0 stage 1 [0 ns, 0 ns) cost 1 ns + 10 ns

lane gpu0->cpu: link on gpu0 to cpu
  wait(gpu0.compute, 2, 0) for g
  wait(outputs, 1, 1) for g
  g -> cpu: copy(g@gpu0) -> g@cpu stage 1 [0 ns, 0 ns) cost 1 ns + 10 ns

lane cpu.worker: compute on cpu
  wait(gpu0->cpu, 1, 0) for g -> cpu
  u: sgd_update(w@cpu@-1, g@cpu) {learning_rate: 0.5} -> w@cpu stage 1 [0 ns, 0 ns) cost 1 ns + 10 ns

lane outputs: output on cpu
  wait(gpu0->cpu, 1, 0) for g -> cpu
  g: output(g@cpu) stage 1 [0 ns, 0 ns) cost 1 ns + 10 ns

inputs
  x: f32[64], fed from data/x.npy

outputs
  g: g@cpu, handed out by g
  w: w@gpu0, stays on gpu0

states
  w: f32[64] = zeros in w@cpu, w@gpu0
)");
}

TEST(PrintPlan, ShowsAllResultsAndScratchMemory) {
  AttentionPlan p = attention_plan();
  p.plan.buffers[p.scratch].name = "spare";
  EXPECT_THAT(print_plan(p.plan), HasSubstr("  a: attention(q, q, q) -> result, log_sum with spare "
                                            "stage 0 "));
  p.plan.instructions[p.attention].rows = RowRange{0, 1};
  EXPECT_THAT(print_plan(p.plan), HasSubstr(" -> result[0:1], log_sum[0:1] with spare stage 0 "));
  p.plan.instructions[p.attention].reads[2].shape = Shape{8, 8};
  EXPECT_THAT(print_plan(p.plan), HasSubstr("  a: attention(q, q, q as [8, 8]) -> "));
  p.plan.source.name = "heads";
  const TensorType type = PlanBuilder::vector_type(3);
  SourceGraph& source = p.plan.source;
  const auto q = source.values.push_back({SourceValueKind::kInput, "q", type, {}});
  const auto a = source.values.push_back({SourceValueKind::kNode, "a", type, {}});
  const auto log_sum = source.values.push_back(
      {SourceValueKind::kNode, "a.log_sum", PlanBuilder::vector_type(2), {}});
  source.nodes.push_back({"attention", {}, {q, q, q}, {a, log_sum}, std::nullopt});
  EXPECT_THAT(print_plan(p.plan),
              HasSubstr("  a: f32[3], a.log_sum: f32[2] = attention(q, q, q)\n"));
}

TEST(PrintPlan, ShowsHostsAndBothEndsOfMessages) {
  const std::string text = print_plan(two_host_plan().plan);
  EXPECT_THAT(text, HasSubstr("\nhosts\n  h0\n  h1\n"));
  EXPECT_THAT(text, HasSubstr("lane h0->h1: send on h0/cpu, with h1 from h0\n"
                              "  wait(h0/cpu.worker0, 1, 0) for a\n"
                              "  a -> h1/cpu: send(a) stage 0 "));
  EXPECT_THAT(text, HasSubstr("lane h1 from h0: receive on h1/cpu, with h0->h1\n"
                              "  a -> h1/cpu: receive() -> a@h1 stage 0 "));
}

TEST(PrintPlan, ShowsTheSourceGraph) {
  Plan plan;
  plan.name = "p";
  SourceGraph& source = plan.source;
  source.name = "mlp";
  const TensorType type = PlanBuilder::vector_type(3);
  const Initializer random{.kind = InitializerKind::kUniform,
                           .low = -0.5,
                           .high = 1,
                           .seed = 7,
                           .stream = "w",
                           .data = {}};
  const auto x = source.values.push_back({SourceValueKind::kInput, "x", type, {}});
  const auto w = source.values.push_back({SourceValueKind::kState, "w", type, random});
  const auto y = source.values.push_back({SourceValueKind::kNode, "y", type, {}});
  Attributes rate;
  rate.set("learning_rate", 0.25);
  source.nodes.push_back({"sgd_update", rate, {w, x}, {y}, w});
  source.outputs = {y};
  EXPECT_THAT(print_plan(plan), testing::EndsWith(R"(
source mlp
  input x: f32[3]
  state w: f32[3] = uniform(-0.5, 1, seed 7, stream 'w')
  y: f32[3] = sgd_update(w, x) {learning_rate: 0.25} updates w
  outputs: y
)"));
}

TEST(PlanToJson, IsOneObjectWithKeysInAFixedOrder) {
  const std::string text = plan_to_json(training_plan().plan);
  EXPECT_THAT(text, testing::StartsWith("{\n  \"name\": \"small\",\n  \"format\": 5,\n"));
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json["instructions"].size(), 8U);
  EXPECT_EQ(json["instructions"][3]["waits"][0]["count"], 2);
  EXPECT_EQ(json["instructions"][5]["attributes"]["learning_rate"], 0.5);
  EXPECT_TRUE(json["instructions"][7]["writes"].empty());
  EXPECT_EQ(json["lanes"][1]["kind"], "link");
  EXPECT_EQ(json["buffers"][0]["versions"], 2);
  EXPECT_EQ(json["arenas"][0]["kind"], "pinned");
  EXPECT_EQ(json["arenas"][1]["kind"], "device");
}

TEST(PlanToJson, HasAllResultsAndScratchMemory) {
  const AttentionPlan p = attention_plan();
  const auto json = nlohmann::json::parse(plan_to_json(p.plan));
  const auto& attention = json["instructions"][static_cast<size_t>(p.attention.value())];
  EXPECT_EQ(attention["writes"], (std::vector<int>{p.result.value(), p.log_sum.value()}));
  EXPECT_EQ(attention["scratch"], p.scratch.value());
  const auto& exponential = json["instructions"][static_cast<size_t>(p.exponential.value())];
  EXPECT_EQ(exponential["writes"], std::vector<int>{p.e.value()});
  EXPECT_TRUE(exponential["scratch"].is_null());
}

TEST(PlanToJson, SurvivesNamesThatAreNoUtf8) {
  Plan plan = training_plan().plan;
  plan.name = "\xff";
  EXPECT_TRUE(nlohmann::json::accept(plan_to_json(plan)));
}

TEST(DiffPlans, EqualPlansDoNotDiffer) {
  EXPECT_EQ(diff_plans(training_plan().plan, training_plan().plan), "");
}

TEST(DiffPlans, ShowsTheLinesThatChanged) {
  const TrainingPlan before = training_plan();
  TrainingPlan after = training_plan();
  after.plan.instructions[after.g].waits[0].distance = 2;
  after.plan.predicted_interval_ns = 999;
  EXPECT_EQ(diff_plans(before.plan, after.plan),
            "- predicted interval: 1.23 us\n"
            "+ predicted interval: 999 ns\n"
            "-   wait(cpu->gpu0, 2, 1) for w -> gpu0\n"
            "+   wait(cpu->gpu0, 2, 2) for w -> gpu0\n");
}

TEST(DiffPlans, ShowsOtherResultsAndOtherScratchMemory) {
  const AttentionPlan before = attention_plan();
  AttentionPlan after = attention_plan();
  after.plan.instructions[after.attention].writes.pop_back();
  after.plan.instructions[after.attention].scratch.reset();
  EXPECT_EQ(
      diff_plans(before.plan, after.plan),
      "-   a: attention(q, q, q) -> result, log_sum with a (scratch) stage 0 [0 ns, 0 ns) cost "
      "1 ns + 10 ns\n"
      "+   a: attention(q, q, q) -> result stage 0 [0 ns, 0 ns) cost 1 ns + 10 ns\n");
}

TEST(DiffPlans, ShowsAnotherEndOfMessages) {
  const TwoHostPlan before = two_host_plan();
  TwoHostPlan after = two_host_plan();
  after.plan.lanes[after.there.send].peer = after.back.receive;
  EXPECT_EQ(diff_plans(before.plan, after.plan),
            "- lane h0->h1: send on h0/cpu, with h1 from h0\n"
            "+ lane h0->h1: send on h0/cpu, with h0 from h1\n");
}

TEST(DiffPlans, ShowsAnArenaOfAnotherKind) {
  const Plan before = training_plan().plan;
  Plan after = before;
  after.arenas[ArenaId(0)].kind = MemoryKind::kPageable;
  EXPECT_EQ(diff_plans(before, after),
            "-   0: cpu (pinned), 1024 bytes\n"
            "+   0: cpu (pageable), 1024 bytes\n");
}

TEST(DiffPlans, ShowsWhatWasAddedAndRemoved) {
  Plan before = training_plan().plan;
  Plan after = before;
  before.constants.push_back({"old", {}, {}});
  after.inputs.push_back({"y", PlanBuilder::vector_type(2), {}});
  EXPECT_EQ(diff_plans(before, after),
            "+   y: f32[2]\n"
            "- \n- constants\n-   old: data(0 bytes, 2d06800538d394c2) in \n");
}

// 10 000 lines against as many: the table of all pairs would have 1e8 cells.
TEST(DiffPlans, DoesNotExplode) {
  const auto plan = [](const std::string& prefix) {
    Plan p;
    for (int i = 0; i < 10000; ++i) {
      p.inputs.push_back({prefix + std::to_string(i), PlanBuilder::vector_type(1), {}});
    }
    return p;
  };
  const std::string difference = diff_plans(plan("a"), plan("b"));
  EXPECT_THAT(difference, HasSubstr("-   a9999: f32[1]\n+   b0: f32[1]\n"));
}

}  // namespace
}  // namespace graphrt
