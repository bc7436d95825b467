#include "compiler/schedule/relaxed_bound.h"

#include <gtest/gtest.h>

#include "compiler/placement/assignment.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

using Pins = IdVector<NodeId, std::optional<DeviceId>>;

Pins pins_of(const Graph& graph, const Machine& machine) {
  Pins pins(graph.nodes.size());
  for (const NodeId node : graph.nodes.ids()) {
    const auto& device = graph.nodes[node].device;
    if (device) pins[node] = machine.find_device(*device);
  }
  return pins;
}

StepBound bound_of(const Graph& graph, const Machine& machine) {
  return relaxed_bound(graph, machine, CostModel(machine), pins_of(graph, machine));
}

// No assignment of the unpinned nodes, and no schedule the compiler finds for it, beats the bound.
TEST(RelaxedBound, NoScheduleOfAnyAssignmentIsFaster) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    Graph graph = RandomGraph(seed).make();
    if (seed % 2 == 0) graph = unpinned(graph);
    const int64_t bound_ns = bound_of(graph, machine).interval_ns;
    std::mt19937 random(seed);
    for (int trial = 0; trial < 4; ++trial) {
      Assignment assignment = as_pinned(graph, machine, DeviceId(trial % 3));
      for (const NodeId node : graph.nodes.ids()) {
        if (!graph.nodes[node].device && trial == 3) assignment[node] = DeviceId(random() % 3);
      }
      DiagnosticSink sink;
      const auto placed = insert_copies(graph, assignment, machine, sink);
      ASSERT_TRUE(placed) << sink.render_all();
      const Schedule schedule =
          schedule_tasks(find_dependencies(*placed, machine, CostModel(machine)));
      EXPECT_LE(bound_ns, schedule.solution.interval_ns) << "trial " << trial;
      EXPECT_LE(bound_ns, schedule.bound.interval_ns) << "trial " << trial;
      EXPECT_LE(schedule.bound.interval_ns, schedule.solution.interval_ns) << "trial " << trial;
    }
  }
}

// relu of f32[256] moves 2 KiB: 2048 ns on the CPU, 205 ns on a GPU; its output is 2 KiB at the
// host's 1 ns a byte (read and written): the output lane is busy for 2048 ns.
TEST(RelaxedBound, NamesTheLaneThatIsBusyAllTheTime) {
  const StepBound bound = bound_of(graph_of("graph g\n"
                                            "state %w : f32[256] init zeros\n"
                                            "%y = relu(%w)\n"
                                            "output %y\n"),
                                   star_machine());
  EXPECT_EQ(bound.interval_ns, 2048);
  EXPECT_EQ(bound.reason, "output is busy all the time");
}

// y on gpu0 205 ns, 1 KiB over the link 1124 ns, w_new on the CPU 3072 ns, back 1124 ns: 5525 ns
// between two values of w, though no lane is busy for more than 3072.
TEST(RelaxedBound, NamesTheCycleThatEachStepNeeds) {
  const StepBound bound = bound_of(graph_of("graph g\n"
                                            "state %w : f32[256] init zeros\n"
                                            "%y = relu(%w) device gpu0\n"
                                            "%w_new = add(%w, %y) device cpu updates %w\n"
                                            "output %y on gpu0\n"),
                                   star_machine());
  EXPECT_EQ(bound.interval_ns, 205 + 1124 + 3072 + 1124);
  EXPECT_EQ(bound.reason, "each step needs the one before");
  EXPECT_EQ(bound.cycle, (std::vector<std::string>{"w_new", "w_new -> gpu0", "y", "y -> cpu"}));
}

// Unpinned, the same cycle costs what its nodes cost on their fastest device, without copies:
// 205 + 308 on a GPU.
TEST(RelaxedBound, LeavesOutWhatAnotherPlacementCouldAvoid) {
  const StepBound bound = bound_of(graph_of("graph g\n"
                                            "state %w : f32[256] init zeros\n"
                                            "%y = relu(%w)\n"
                                            "%w_new = add(%w, %y) updates %w\n"
                                            "output %y on gpu0\n"),
                                   star_machine());
  EXPECT_EQ(bound.interval_ns, 205 + 308);
}

}  // namespace
}  // namespace graphc
