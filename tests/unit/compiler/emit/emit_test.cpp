#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "compiler/compile.h"
#include "compiler/emit/dot.h"
#include "compiler/emit/explain.h"
#include "compiler/emit/summary.h"
#include "compiler/emit/svg.h"
#include "compiler/emit/timeline_steps.h"
#include "compiler/emit/trace.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::HasSubstr;

Compilation compiled(const Graph& graph, const Machine& machine) {
  DiagnosticSink sink;
  auto compilation = compile({graph}, machine, {}, sink);
  CHECK(compilation, compilation ? "" : sink.render_all() + compilation.error().message);
  return *std::move(compilation);
}

size_t count(const std::string& text, const std::string& part) {
  size_t times = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

/// The GPU uses the state that the CPU updates, and a batch that comes from the CPU.
const Graph& training_step() {
  static const Graph graph = graph_of(
      "graph \"a \\\"b\\\" & <c>\"\n"
      "input %x : f32[64]\n"
      "state %w : f32[64] init zeros\n"
      "%h = add(%x, %w) device gpu0\n"
      "%w_new = add(%w, %h) device cpu updates %w\n"
      "output %h\n");
  return graph;
}

TEST(Dot, AClusterADeviceDashedCopiesAndDottedEdgesIntoTheNextStep) {
  const Machine machine = star_machine();
  const std::string dot = *to_dot(compiled(training_step(), machine).placed(), machine, {});
  EXPECT_EQ(count(dot, "subgraph cluster_"), machine.devices.size());
  for (const Device& device : machine.devices) {
    EXPECT_THAT(dot, HasSubstr("label=\"" + device.name + "\""));
  }
  // Into and out of x -> gpu0, h -> cpu, w -> gpu0: 2 + 3 (output and update read h) + 1.
  EXPECT_EQ(count(dot, "style=dashed"), 6U);
  // The last w is read by h on the GPU and by the update on the CPU.
  EXPECT_EQ(count(dot, "style=dotted"), 2U);
  EXPECT_EQ(count(dot, "label=\"next step\""), 2U);
  EXPECT_THAT(dot, HasSubstr("label=\"h\\nadd f32[64]\""));
  EXPECT_THAT(dot, testing::StartsWith("digraph \"a \\\"b\\\" & <c>\" {\n"));
}

TEST(Svg, ARectangleForEveryRunOfATaskAndTheNameInSafeLetters) {
  const Compilation compilation = compiled(training_step(), star_machine());
  const std::string svg = to_svg(compilation.synchronised(), 4);
  EXPECT_EQ(count(svg, "<rect "), 1 + 4 * compilation.tasks().tasks.size());  // 1: the background
  EXPECT_THAT(svg, HasSubstr("a &quot;b&quot; &amp; &lt;c&gt;: predicted timeline"));
  EXPECT_THAT(svg, HasSubstr("<title>x -&gt; gpu0, step 3: "));
  EXPECT_THAT(svg, testing::Not(HasSubstr(", step 4: ")));
}

TEST(Trace, SlicesOfOneTrackDoNotOverlap) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Compilation compilation = compiled(RandomGraph(seed).make(), machine);
    const auto trace = nlohmann::json::parse(to_trace(compilation.synchronised(), machine, 5));
    std::map<int, std::vector<std::pair<double, double>>> tracks;
    for (const auto& event : trace.at("traceEvents")) {
      if (event.at("ph") != "X") continue;
      EXPECT_LT(event.at("args").at("step").get<int>(), 5);
      tracks[event.at("tid")].emplace_back(event.at("ts"), event.at("dur"));
    }
    size_t num_slices = 0;
    for (auto& [track, slices] : tracks) {
      std::sort(slices.begin(), slices.end());
      num_slices += slices.size();
      for (size_t i = 1; i < slices.size(); ++i) {
        const double end = slices[i - 1].first + slices[i - 1].second;
        EXPECT_LE(end, slices[i].first + 1e-4) << "track " << track;  // a tenth of a nanosecond
      }
    }
    EXPECT_EQ(num_slices, 5 * compilation.tasks().tasks.size());
  }
}

TEST(Trace, AProcessADeviceAndAThreadALane) {
  const Machine machine = star_machine();
  const Compilation compilation = compiled(training_step(), machine);
  const auto trace = nlohmann::json::parse(to_trace(compilation.synchronised(), machine, 1));
  std::vector<std::string> processes;
  size_t num_threads = 0;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("name") == "process_name") processes.push_back(event.at("args").at("name"));
    if (event.at("name") == "thread_name") ++num_threads;
  }
  EXPECT_THAT(processes, testing::ElementsAre("cpu", "gpu0", "gpu1"));
  EXPECT_EQ(num_threads, compilation.tasks().lanes.lanes.size());
}

// Every run of every step once, each after the runs it depends on.
TEST(PredictedRuns, KeepEveryDependency) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Compilation compilation = compiled(RandomGraph(seed).make(), random_machine(seed));
    std::map<std::pair<TaskId, int64_t>, Span> spans;
    for (const TaskRun& run : predicted_runs(compilation.synchronised(), 6)) {
      EXPECT_TRUE(spans.insert({{run.task, run.step}, run.span}).second);
    }
    EXPECT_EQ(spans.size(), 6 * compilation.tasks().tasks.size());
    for (const SchedulingEdge& edge : enforced_edges(compilation.schedule())) {
      for (int64_t step = edge.distance; step < 6; ++step) {
        const Span before = spans.at({edge.from, step - edge.distance});
        EXPECT_LE(before.end_ns, spans.at({edge.to, step}).start_ns);
      }
    }
  }
}

// compile() checks every level on the way; the plan is checked once more as a reader would.
TEST(LowerToPlan, RandomGraphsGivePlansThatVerify) {
  for (unsigned seed = 1; seed <= 80; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Graph graph = RandomGraph(seed).make();
    if (seed % 2 == 0) graph = unpinned(graph);
    const Compilation compilation = compiled(graph, random_machine(seed));
    const auto violation = verify_plan(compilation.plan);
    EXPECT_FALSE(violation) << violation->message;
    EXPECT_EQ(compilation.plan.predicted_interval_ns, compilation.synchronised().interval_ns);
    EXPECT_GE(compilation.synchronised().interval_ns, compilation.bound.interval_ns);
    EXPECT_EQ(compilation.plan.required_features, features_of(compilation.plan));
  }
}

TEST(LowerToPlan, TheSameGraphGivesTheSamePlan) {
  for (unsigned seed = 1; seed <= 10; ++seed) {
    const Graph graph = unpinned(RandomGraph(seed).make());
    const Machine machine = random_machine(seed);
    EXPECT_EQ(compiled(graph, machine).plan, compiled(graph, machine).plan) << "seed " << seed;
  }
}

TEST(LowerToPlan, TheNewestValueOfAStateIsTheOneThatIsSaved) {
  const Plan plan = compiled(training_step(), star_machine()).plan;
  ASSERT_EQ(plan.states.size(), 1U);
  ASSERT_EQ(plan.states[0].buffers.size(), 2U);
  EXPECT_EQ(plan.buffers[plan.states[0].buffers[0]].name, "w@cpu");  // where it is updated
}

TEST(Explain, SaysWhereWhenAndAfterWhat) {
  const Machine machine = star_machine();
  const Compilation compilation = compiled(training_step(), machine);
  const auto text = explain(compilation, machine, "w_new", Detail::kShort);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, testing::StartsWith("w_new\n  where  on 'cpu': pinned by the graph\n"));
  EXPECT_THAT(*text, HasSubstr("  when   "));
  EXPECT_THAT(*text, HasSubstr("  after  "));
  const auto all = explain(compilation, machine, std::nullopt, Detail::kAll);
  ASSERT_TRUE(all);
  EXPECT_EQ(count(*all, "\n  where  "), compilation.tasks().tasks.size());
}

TEST(Explain, AnUnknownNodeIsAUsageErrorWithTheNearestName) {
  const Machine machine = star_machine();
  const auto text = explain(compiled(training_step(), machine), machine, "w_nwe", Detail::kShort);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kUsage);
  EXPECT_EQ(text.error().message,
            "--explain: no task is named 'w_nwe'; did you mean 'w_new'? (it may have been merged, "
            "folded or removed: see --emit=graph; a slice, a reshape or a concat may be part of "
            "another value: see --emit=placed)");
}

TEST(Summary, CountsTasksCopiesWaitsAndBytes) {
  const Machine machine = star_machine();
  const Compilation compilation = compiled(training_step(), machine);
  const std::string text = summary(compilation, machine, Detail::kAll);
  EXPECT_THAT(text, HasSubstr(" on star: 7 tasks, 3 of them copies, "));
  EXPECT_THAT(text, HasSubstr("  placement   as pinned\n"));
  EXPECT_THAT(text, HasSubstr(std::to_string(compilation.synchronised().num_waits) + " left of " +
                              std::to_string(compilation.synchronised().num_waits_before)));
}

}  // namespace
}  // namespace graphc
