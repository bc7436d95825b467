#include "compiler/passes/pass_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "compiler/graph/print_graph.h"
#include "runtime/kernels/reference/initial_value.h"
#include "runtime/kernels/reference/reference_executor.h"
#include "tests/unit/compiler/graph/random_graph.h"

namespace graphc {
namespace {

using testing::HasSubstr;

/// Two steps, from inputs that differ from step to step: what every output and every state was.
std::map<std::string, Tensor> results_of(const Graph& graph) {
  std::map<std::string, Tensor> results;
  Result<ReferenceExecutor> executor = ReferenceExecutor::create(to_source_graph(graph));
  EXPECT_TRUE(executor) << (executor ? "" : executor.error().message);
  if (!executor) return results;
  for (int step = 0; step < 2; ++step) {
    std::map<std::string, Tensor> inputs;
    for (const Value& value : graph.values) {
      if (value.kind != ValueKind::kInput) continue;
      Initializer numbers;
      numbers.kind = value.type.element == ElementType::kF32 ? InitializerKind::kUniform
                                                             : InitializerKind::kConstant;
      numbers.low = step;
      numbers.high = step + 1;
      numbers.stream = value.name;
      inputs[value.name] = *make_initial(numbers, value.type);
    }
    const Result<void> done = executor->step(inputs);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    for (const GraphOutput& output : graph.outputs) {
      const std::string& name = graph.values[output.value].name;
      results[name + "@" + std::to_string(step)] = *executor->find_value(name);
    }
  }
  for (const Value& value : graph.values) {
    if (value.kind == ValueKind::kState) results[value.name] = *executor->find_state(value.name);
  }
  return results;
}

// Passes claim that no number changes: bit for bit, by the executor that plans are checked against.
TEST(Passes, RandomGraphsComputeTheSameNumbers) {
  size_t num_changed = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Graph graph = RandomGraph(seed).make();
    DiagnosticSink sink;
    const Result<PassRun> run = run_passes({graph}, default_passes(), {}, sink);
    ASSERT_TRUE(run) << "seed " << seed << "\n" << sink.render_all();
    ASSERT_EQ(results_of(run->graph), results_of(graph)) << "seed " << seed << "\n"
                                                         << print_graph(graph) << "\n"
                                                         << print_graph(run->graph);
    num_changed += print_graph(run->graph) == print_graph(graph) ? 0U : 1U;
  }
  EXPECT_GT(num_changed, 100U);  // the passes had something to do
}

// By itself: what other passes do would leave it less to do.
TEST(Passes, ChainsInRandomGraphsComputeTheSameNumbers) {
  const std::vector<Pass> fuse = find_passes("fuse_elementwise").value();
  size_t num_joined = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Graph graph = RandomGraph(seed).make();
    DiagnosticSink sink;
    const Result<PassRun> run = run_passes({graph}, fuse, {}, sink);
    ASSERT_TRUE(run);
    ASSERT_EQ(results_of(run->graph), results_of(graph)) << "seed " << seed << "\n"
                                                         << print_graph(run->graph);
    num_joined += graph.nodes.size() - run->graph->nodes.size();
  }
  EXPECT_GT(num_joined, 30U);
}

TEST(Passes, EachChangesNothingTheSecondTime) {
  for (const Pass& pass : all_passes()) {
    for (unsigned seed = 0; seed < 200; ++seed) {
      DiagnosticSink sink;
      const Result<PassRun> once = run_passes({RandomGraph(seed).make()}, {{pass}}, {}, sink);
      ASSERT_TRUE(once);
      const Result<PassRun> twice = run_passes({once->graph}, {{pass}}, {}, sink);
      ASSERT_TRUE(twice);
      ASSERT_EQ(print_graph(twice->graph), print_graph(once->graph))
          << pass.name << ", seed " << seed;
    }
  }
}

TEST(Passes, WhatTheUserPinnedOrKeptIsThereAfterwards) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Graph graph = RandomGraph(seed).make();
    DiagnosticSink sink;
    const Result<PassRun> run = run_passes({graph}, default_passes(), {}, sink);
    ASSERT_TRUE(run);
    const std::string text = print_graph(run->graph);
    for (const Node& node : graph.nodes) {
      if (!node.keep) continue;
      ASSERT_THAT(text, HasSubstr("\n%" + node.name + " = ")) << "seed " << seed;
    }
    for (const Value& value : graph.values) {
      const bool is_interface = value.kind == ValueKind::kInput || value.kind == ValueKind::kState;
      if (!is_interface) continue;
      ASSERT_THAT(text, HasSubstr(" %" + value.name + " : "));
    }
    ASSERT_EQ(run->graph->outputs.size(), graph.outputs.size());
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      ASSERT_EQ(run->graph->values[run->graph->outputs[i].value].name,
                graph.values[graph.outputs[i].value].name);
      ASSERT_EQ(run->graph->outputs[i].device, graph.outputs[i].device);
    }
  }
}

TEST(PassManager, GivesOneTimingAPassAndDumpsWhatIsAskedFor) {
  std::ostringstream dumps;
  DiagnosticSink sink;
  const Result<PassRun> run =
      run_passes({RandomGraph(1).make()}, default_passes(), {{"fold_constants"}, &dumps}, sink);
  ASSERT_TRUE(run);
  ASSERT_EQ(run->timings.size(), default_passes().size());
  EXPECT_EQ(run->timings[0].name, default_passes()[0].name);
  EXPECT_EQ(run->timings.back().num_nodes, run->graph->nodes.size());
  EXPECT_THAT(dumps.str(), testing::StartsWith("# after fold_constants\ngraph random\n"));
}

TEST(PassManager, RefusesUnknownNames) {
  EXPECT_THAT(find_passes("fold_constants,fold_transpose").error().message,
              HasSubstr("did you mean 'fold_transposes'?"));
  EXPECT_EQ(find_passes("x").error().kind, ErrorKind::kUsage);
  EXPECT_EQ(find_passes("")->size(), 0U);
  EXPECT_EQ(find_passes("divide, divide")->size(), 2U);
}

Result<GraphRequest> break_graph(GraphRequest request, DiagnosticSink&) {
  Graph& graph = request.forward;
  graph.outputs.push_back({ValueId(999), std::nullopt, {}, {}});
  graph.outputs.pop_back();
  graph.values[ValueId(0)].name = "not a name";
  return request;
}

TEST(PassManagerDeathTest, NamesThePassThatBreaksTheGraph) {
  const Pass pass{"break_graph", "", PassRole::kMeaning, break_graph};
  DiagnosticSink sink;
  EXPECT_DEATH(static_cast<void>(run_passes({RandomGraph(1).make()}, {{pass}}, {}, sink)),
               "the pass break_graph broke the graph: 'not a name' is no identifier");
}

}  // namespace
}  // namespace graphc
