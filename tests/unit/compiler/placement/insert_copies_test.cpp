#include "compiler/placement/insert_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

const PlacedOp& operation_named(const PlacedGraph& placed, const std::string& name) {
  for (const PlacedOp& op : placed.ops) {
    if (op.name == name) return op;
  }
  CHECK(false, "no operation " + name);
}

//   cpu   [feed x]--------> a, b on gpu0 read the same copy
TEST(InsertCopies, OneCopyPerValueAndDestination) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "input %x : f32[4]\n"
                                                "%a = relu(%x) device gpu0\n"
                                                "%b = tanh(%x) device gpu0\n"
                                                "%c = add(%a, %b) device gpu0\n"
                                                "output %c on gpu0\n"),
                                       star_machine());
  EXPECT_THAT(names_of_ops(placed), ElementsAre("feed x", "x -> gpu0", "a", "b", "c"));
  EXPECT_EQ(operation_named(placed, "a").reads, operation_named(placed, "b").reads);
  EXPECT_EQ(verify_placed_graph(placed, star_machine()), std::nullopt);
}

//   gpu0 [a] -> cpu -> gpu1 [b]: no link between the GPUs, so two copies, over the CPU
TEST(InsertCopies, ARouteOfSeveralLinksTakesACopyForEach) {
  const Machine machine = star_machine();
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros\n"
                                                "%a = relu(%w) device gpu0\n"
                                                "%b = tanh(%a) device gpu1\n"
                                                "output %b on gpu1\n"),
                                       machine);
  EXPECT_THAT(names_of_ops(placed), ElementsAre("a", "a -> cpu", "a -> gpu1", "b"));
  const PlacedOp& first = operation_named(placed, "a -> cpu");
  const PlacedOp& second = operation_named(placed, "a -> gpu1");
  EXPECT_EQ(machine.devices[first.device].name, "gpu0");
  EXPECT_EQ(first.destination, machine.host());
  EXPECT_EQ(second.device, machine.host());
  EXPECT_EQ(second.reads[0].value, first.writes.front());
  EXPECT_EQ(operation_named(placed, "b").reads[0].value, second.writes.front());
}

// The hop over the CPU leaves the value there: a reader on the CPU needs no copy of its own.
TEST(InsertCopies, AReaderOnTheWaySharesTheHop) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros\n"
                                                "%a = relu(%w) device gpu0\n"
                                                "%b = tanh(%a) device gpu1\n"
                                                "output %b on gpu1\n"
                                                "output %a\n"),
                                       star_machine());
  EXPECT_THAT(names_of_ops(placed), ElementsAre("a", "a -> cpu", "a -> gpu1", "b", "output a"));
}

//   cpu   [w_new]--> w -> gpu0 in the same step; gpu0 reads what arrived one step before
TEST(InsertCopies, TheNextValueOfAStateTravelsInTheStepThatComputesIt) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros\n"
                                                "%y = relu(%w) device gpu0\n"
                                                "%w_new = tanh(%w) device cpu updates %w\n"
                                                "output %y on gpu0\n"),
                                       star_machine());
  const PlacedOp& copy = operation_named(placed, "w -> gpu0");
  const PlacedOp& update = operation_named(placed, "w_new");
  ASSERT_EQ(copy.reads.size(), 1U);
  EXPECT_EQ(copy.reads[0], (PlacedOperand{update.writes.front(), 0}));
  EXPECT_EQ(operation_named(placed, "y").reads[0], (PlacedOperand{copy.writes.front(), 1}));
  EXPECT_EQ(update.reads[0], (PlacedOperand{update.writes.front(), 1}));
  EXPECT_TRUE(
      placed.is_filled_at_load(copy.writes.front()));  // step 0 reads the initial value there
}

TEST(InsertCopies, AStateThatNothingUpdatesNeedsNoCopyAnywhere) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros\n"
                                                "constant %c : f32[4] = 1\n"
                                                "%a = add(%w, %c) device gpu0\n"
                                                "%b = add(%w, %c) device gpu1\n"
                                                "output %a on gpu0\n"
                                                "output %b on gpu1\n"),
                                       star_machine());
  EXPECT_THAT(names_of_ops(placed), ElementsAre("a", "b"));
  EXPECT_EQ(placed.values.size(), 6U);  // w, c and a result on each GPU
}

TEST(InsertCopies, APinnedStateIsKeptOnItsDeviceToo) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros device gpu1\n"
                                                "%w_new = tanh(%w) device gpu0 updates %w\n"
                                                "output %w_new on gpu0\n"),
                                       star_machine());
  EXPECT_THAT(names_of_ops(placed), ElementsAre("w_new", "w -> cpu", "w -> gpu1"));
}

TEST(InsertCopies, AnOutputGoesToTheHostUnlessItNamesADevice) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "state %w : f32[4] init zeros\n"
                                                "%a = relu(%w) device gpu0\n"
                                                "%b = tanh(%w) device gpu0\n"
                                                "output %a\n"
                                                "output %b on gpu0\n"),
                                       star_machine());
  EXPECT_THAT(names_of_ops(placed), ElementsAre("a", "b", "a -> cpu", "output a"));
  ASSERT_EQ(placed.resident_outputs.size(), 2U);
  EXPECT_FALSE(placed.resident_outputs[0]);
  ASSERT_TRUE(placed.resident_outputs[1]);
  EXPECT_EQ(placed.values[placed.resident_outputs[1]->value].name, "b@gpu0");
}

TEST(InsertCopies, WithoutARouteTheConsumerIsToldWhichLinkIsMissing) {
  const Machine machine = island_machine();
  const Graph graph = graph_of(
      "graph g\n"
      "state %w : f32[4] init zeros\n"
      "%a = relu(%w) device gpu0\n"
      "%b = tanh(%a) device gpu1\n"
      "output %b on gpu1\n");
  DiagnosticSink sink;
  EXPECT_FALSE(insert_copies(graph, as_pinned(graph, machine, machine.host()), machine, sink));
  EXPECT_EQ(sink.render_all(),
            "test.graph:4:11: error: no route from 'gpu0' to 'gpu1' for 'a'\n"
            "%b = tanh(%a) device gpu1\n"
            "          ^~\n"
            "  hint: add a link between them, or a chain of links, to machine 'islands'\n");
}

// Random placements of random graphs: what the verifier cannot see on one operation alone.
TEST(InsertCopies, RandomPlacementsHaveOneWriterPerValueAndDevice) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Graph graph = RandomGraph(seed).make();
    std::mt19937 random(seed);
    Assignment assignment = as_pinned(graph, machine, machine.host());
    for (const NodeId node : graph.nodes.ids()) {
      if (!graph.nodes[node].device) assignment[node] = DeviceId(random() % 3);
    }
    DiagnosticSink sink;
    const auto placed = insert_copies(graph, assignment, machine, sink);
    ASSERT_TRUE(placed) << sink.render_all();
    EXPECT_EQ(verify_placed_graph(*placed, machine), std::nullopt);
    std::set<std::pair<ValueId, DeviceId>> copies;
    for (const PlacedOp& op : placed->ops) {
      if (op.kind != PlacedOpKind::kCopy) continue;
      const ValueId value = placed->values[op.writes.front()].origin;
      EXPECT_TRUE(copies.insert({value, op.destination}).second) << op.name;
    }
  }
}

}  // namespace
}  // namespace graphc
