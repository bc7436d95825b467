#include <gtest/gtest.h>

#include <set>

#include "compiler/placement/add_scratch.h"
#include "compiler/placement/placed_graph.h"
#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

/// A valid level to break: gpu0 computes h from the input and the state, the CPU updates the state.
///
///   cpu    [feed x]                    [w_new]           [output h]
///   cpu->gpu0      [x -> gpu0]                [w -> gpu0]
///   gpu0                      [h]
///   gpu0->cpu                    [h -> cpu]
class VerifyPlacedGraph : public testing::Test {
 protected:
  PlacedOpId op(const std::string& name) const { return op_named(placed_, name); }
  PlacedValueId value(const std::string& name) const { return value_named(placed_, name); }
  Violation verify() const { return verify_placed_graph(placed_, machine_); }

  Machine machine_ = star_machine();
  PlacedGraph placed_ = placed_of(graph_of("graph g\n"
                                           "input %x : f32[4]\n"
                                           "state %w : f32[4] init zeros\n"
                                           "%h = add(%x, %w) device gpu0\n"
                                           "%w_new = add(%w, %h) device cpu updates %w\n"
                                           "output %h\n"),
                                  machine_);
};

TEST_F(VerifyPlacedGraph, AcceptsTheUnbrokenOne) { EXPECT_EQ(verify(), std::nullopt); }

TEST_F(VerifyPlacedGraph, ANameForTwoValues) {
  placed_.values.push_back(placed_.values[value("h@gpu0")]);
  EXPECT_EQ(verify(), "two values are named 'h@gpu0'");
}

TEST_F(VerifyPlacedGraph, AStateTwiceOnOneDevice) {
  PlacedValue twin = placed_.values[value("w@gpu0")];
  twin.name = "twin";
  placed_.values.push_back(twin);
  EXPECT_EQ(verify(), "'w' exists twice on gpu0");
}

TEST_F(VerifyPlacedGraph, AValueWithoutAProducerOfItsOwn) {
  PlacedValue twin = placed_.values[value("h@gpu0")];
  twin.name = "twin";
  placed_.values.push_back(twin);
  EXPECT_EQ(verify(), "'h' does not write 'twin'");
}

TEST_F(VerifyPlacedGraph, AValueThatNothingProduces) {
  placed_.values[value("h@gpu0")].producers.clear();
  EXPECT_EQ(verify(), "nothing produces 'h@gpu0'");
}

TEST_F(VerifyPlacedGraph, AProducerThatWritesSomethingElse) {
  placed_.values[value("h@gpu0")].producers = {op("x -> gpu0")};
  EXPECT_EQ(verify(), "'x -> gpu0' does not write 'h@gpu0'");
}

TEST_F(VerifyPlacedGraph, AReadOfAnotherDevicesMemory) {
  placed_.ops[op("h")].reads[0].value = value("x@cpu");
  EXPECT_EQ(verify(), "'h' runs on gpu0 and reads 'x@cpu' in the memory of cpu");
}

TEST_F(VerifyPlacedGraph, AReadBeforeTheProducer) {
  placed_.ops[op("h")].reads[1].distance = 0;  // its copy comes at the end of the step
  EXPECT_EQ(verify(), "'h' reads 'w@gpu0' before this step produced it");
}

TEST_F(VerifyPlacedGraph, AReadFromTwoStepsBack) {
  placed_.ops[op("h")].reads[1].distance = 2;
  EXPECT_EQ(verify(), "'h' reads 'w@gpu0' from step -2, which does not exist");
}

TEST_F(VerifyPlacedGraph, AReadOfLastStepsValueThatNobodyKeeps) {
  placed_.ops[op("h")].reads[0].distance = 1;
  EXPECT_EQ(verify(), "'h' reads 'x@gpu0' from step -1, which does not exist");
}

TEST_F(VerifyPlacedGraph, AWriteIntoAnotherDevicesMemory) {
  placed_.ops[op("h")].destination = machine_.host();
  EXPECT_EQ(verify(), "'h' writes 'h@gpu0' in another device's memory");
}

TEST_F(VerifyPlacedGraph, ACopyWithoutALink) {
  const DeviceId gpu1 = *machine_.find_device("gpu1");
  PlacedOp& copy = placed_.ops[op("h -> cpu")];
  copy.destination = gpu1;
  placed_.values[copy.writes.front()].device = gpu1;
  EXPECT_EQ(verify(), "'h -> cpu' has no link from gpu0 to gpu1");
}

TEST_F(VerifyPlacedGraph, ACopyOfTwoValues) {
  PlacedOp& copy = placed_.ops[op("x -> gpu0")];
  copy.reads.push_back(copy.reads[0]);
  EXPECT_EQ(verify(), "'x -> gpu0' is not a copy of one value");
}

TEST_F(VerifyPlacedGraph, ACopyOfRowsToOtherRows) {
  placed_.ops[op("h -> cpu")].reads[0].rows = RowRange{0, 1};
  EXPECT_EQ(verify(),
            "'h -> cpu' copies 'h@gpu0'[0:1] and writes other rows or another value, 'h@cpu'");
}

TEST_F(VerifyPlacedGraph, ACopyThatChangesTheValue) {
  placed_.ops[op("h -> cpu")].reads[0].value = value("x@gpu0");
  EXPECT_EQ(verify(), "'h -> cpu' copies 'x@gpu0' and writes other rows or another value, 'h@cpu'");
}

TEST_F(VerifyPlacedGraph, ANodeOnAnotherDeviceThanItsPin) {
  Graph graph = placed_.graph;
  graph.nodes[NodeId(0)].device = "gpu1";
  placed_.graph = graph;
  EXPECT_EQ(verify(), "'h' is pinned to gpu1 but placed on gpu0");
}

TEST_F(VerifyPlacedGraph, ANameForTwoOperations) {
  placed_.ops.push_back(placed_.ops[op("h")]);
  EXPECT_EQ(verify(), "two operations are named 'h'");
}

/// Two results and scratch memory.
class VerifySeveralResults : public testing::Test {
 protected:
  PlacedOp& attention() { return placed_.ops[op_named(placed_, "a")]; }
  PlacedOp& exponential() { return placed_.ops[op_named(placed_, "e")]; }
  PlacedValueId value(const std::string& name) const { return value_named(placed_, name); }
  Violation verify() const { return verify_placed_graph(placed_, machine_); }

  Machine machine_ = star_machine();
  PlacedGraph placed_ = add_scratch(placed_of(graph_of("graph g\n"
                                                       "input %q : f32[1, 4, 2, 8]\n"
                                                       "%a = attention(%q, %q, %q)\n"
                                                       "%e = exp(%a.log_sum)\n"
                                                       "output %e\n"
                                                       "output %a\n"),
                                              machine_),
                                    machine_);
};

TEST_F(VerifySeveralResults, AreAccepted) { EXPECT_EQ(verify(), std::nullopt); }

TEST_F(VerifySeveralResults, AreAllWritten) {
  attention().writes.pop_back();
  EXPECT_EQ(verify(), "'a' does not write 'a.log_sum@cpu'");
  placed_.values[value("a.log_sum@cpu")].producers.clear();
  EXPECT_EQ(verify(), "nothing produces 'a.log_sum@cpu'");
}

TEST_F(VerifySeveralResults, StandInTheOrderOfTheOperator) {
  std::swap(attention().writes[0], attention().writes[1]);
  EXPECT_EQ(verify(), "'a' makes 'a' and writes 'a.log_sum@cpu'");
}

TEST_F(VerifySeveralResults, AreNoOthersThanTheOperators) {
  PlacedValue more = placed_.values[value("a@cpu")];
  more.name = "more";
  attention().writes.push_back(placed_.values.push_back(more));
  EXPECT_EQ(verify(), "'a' makes 2 values and writes 3");
}

TEST_F(VerifySeveralResults, AreNoScratchMemory) {
  attention().writes.push_back(*attention().scratch);
  EXPECT_EQ(verify(), "'a' has 'a (scratch)' as a result");
}

TEST_F(VerifySeveralResults, ScratchMemoryIsReadByNobody) {
  exponential().reads[0].value = *attention().scratch;
  EXPECT_EQ(verify(), "'e' reads 'a (scratch)', scratch memory");
}

TEST_F(VerifySeveralResults, ScratchMemoryIsMadeForThat) {
  exponential().scratch = value("q@cpu");
  EXPECT_EQ(verify(), "'e' writes 'q@cpu', which others produce");
  exponential().scratch = attention().scratch;
  EXPECT_EQ(verify(), "'e' writes 'a (scratch)', which others produce");
}

TEST_F(VerifySeveralResults, ScratchMemoryIsOnTheDeviceOfItsOperation) {
  placed_.values[*attention().scratch].device = *machine_.find_device("gpu0");
  EXPECT_EQ(verify(), "'a' writes 'a (scratch)' in another device's memory");
}

// As much as its kernel needs on that device: a value of bytes for each block of rows.
TEST_F(VerifySeveralResults, ABlockOfRowsHasScratchMemoryOfItsOwn) {
  const std::string text =
      "graph g\n"
      "input %x : bf16[64, 4, 2, 8]\n"
      "%a = attention(%x, %x, %x)\n"
      "output %a\n";
  const PlacedGraph whole = placed_of(graph_of(text), machine_);
  EXPECT_EQ(add_scratch(whole, machine_).ops[op_named(whole, "feed x")].scratch, std::nullopt);
  const PlacedGraph split =
      add_scratch(split_rows(whole, machine_, BlockSizes{64, 64, 64, 1, 2}), machine_);
  EXPECT_EQ(verify_placed_graph(split, machine_), std::nullopt);
  std::set<PlacedValueId> values;
  for (const std::string name : {"a[0:32]", "a[32:64]"}) {
    const PlacedOp& op = split.ops[op_named(split, name)];
    ASSERT_TRUE(op.scratch) << name;
    values.insert(*op.scratch);
    EXPECT_EQ(split.values[*op.scratch].name, name + " (scratch)");
    EXPECT_EQ(split.type_of(*op.scratch).element, ElementType::kU8);
    const Node& node = split.graph->nodes[*op.node];
    const std::vector<TensorType> rows(3, {ElementType::kBF16, {32, 4, 2, 8}});
    EXPECT_EQ(split.type_of(*op.scratch).size_bytes(),
              graphrt::scratch_bytes(*node.op, true, rows, {}, node.attributes));
  }
  EXPECT_EQ(values.size(), 2U);
}

/// A second computation of h, complete but for what a test takes away from it.
class VerifySecondComputation : public VerifyPlacedGraph {
 protected:
  VerifySecondComputation() {
    PlacedOp again = placed_.ops[op("h")];
    PlacedValue result = placed_.values[value("h@gpu0")];
    again.name = "again";
    result.name = "again@gpu0";
    again.writes = {PlacedValueId(placed_.values.size())};
    result.producers = {placed_.ops.push_back(again)};
    placed_.values.push_back(result);
  }
  PlacedOp& again() { return placed_.ops[op("again")]; }
};

TEST_F(VerifySecondComputation, IsAccepted) { EXPECT_EQ(verify(), std::nullopt); }

TEST_F(VerifySecondComputation, IsNoSecondWriterOfTheFirstResult) {
  PlacedOp writer = placed_.ops[op("h")];
  writer.name = "writer";
  placed_.ops.push_back(writer);
  EXPECT_EQ(verify(), "'writer' writes 'h@gpu0', which others produce");
}

TEST_F(VerifySecondComputation, ReadsTheSameOperands) {
  again().reads[1] = {value("h@gpu0"), 0};
  EXPECT_EQ(verify(), "'again' needs 'w' and reads 'h@gpu0'");
}

TEST_F(VerifySecondComputation, ReadsAsManyOperands) {
  again().reads.pop_back();
  EXPECT_EQ(verify(), "'again' does not read what 'h' is computed from");
}

TEST_F(VerifySecondComputation, MakesTheSameValue) {
  placed_.values[value("again@gpu0")].origin = placed_.values[value("x@gpu0")].origin;
  EXPECT_EQ(verify(), "'again' makes 'h' and writes 'again@gpu0'");
}

TEST_F(VerifySecondComputation, IsOnTheSameDevice) {
  Graph graph = placed_.graph;
  graph.nodes[NodeId(0)].device.reset();
  placed_.graph = graph;
  again().device = again().destination = machine_.host();
  again().reads = {{value("x@cpu"), 0}, {value("w@cpu"), 1}};
  placed_.values[value("again@gpu0")].device = machine_.host();
  EXPECT_EQ(verify(), "'h' is placed on cpu and on gpu0");
}

// Its first rows by the node, the others by another operation.
TEST_F(VerifySecondComputation, IsNotPutTogetherFromSeveralKinds) {
  PlacedOp copy = placed_.ops[op("x -> gpu0")];
  copy.name = "rest";
  copy.writes = {value("again@gpu0")};
  again().rows = RowRange{0, 2};
  copy.rows = RowRange{2, 4};
  placed_.values[copy.writes.front()].producers.push_back(placed_.ops.push_back(copy));
  EXPECT_EQ(verify(), "'again' needs 'x'[0:2] and reads 'x@gpu0'");
  again().reads[1].rows = again().rows;
  again().reads[0].rows = again().rows;
  EXPECT_EQ(verify(),
            "'rest' copies 'x@cpu' and writes other rows or another value, 'again@gpu0'[2:4]");
}

TEST_F(VerifyPlacedGraph, AnOperandFromTheWrongStep) {
  placed_.ops[op("w_new")].reads[0].distance = 0;
  placed_.ops[op("w_new")].reads[0].value = value("h@cpu");
  EXPECT_EQ(verify(), "'w_new' needs 'w' and reads 'h@cpu'");
}

TEST_F(VerifyPlacedGraph, AnOutputOfSomethingElse) {
  placed_.ops[op("output h")].reads[0] = {value("w@cpu"), 1};
  EXPECT_EQ(verify(), "'output h' needs 'h' and reads 'w@cpu' from step -1");
}

TEST_F(VerifyPlacedGraph, AnOutputThatStaysAndIsSomethingElse) {
  placed_.resident_outputs[0] = PlacedOperand{value("w@cpu"), 1};
  EXPECT_EQ(verify(), "'output h' needs 'h' and reads 'w@cpu' from step -1");
}

TEST_F(VerifyPlacedGraph, AFeedOfSomethingElse) {
  placed_.ops[op("feed x")].input = placed_.values[value("h@cpu")].origin;
  EXPECT_EQ(verify(), "'feed x' makes 'h' and writes 'x@cpu'");
}

TEST_F(VerifyPlacedGraph, ANodeThatIsNotPlaced) {
  Graph graph = placed_.graph;
  Node spare = graph.nodes[NodeId(0)];
  spare.name = "spare";
  graph.nodes.push_back(spare);
  placed_.graph = graph;
  EXPECT_EQ(verify(), "'spare' is not placed");
}

}  // namespace
}  // namespace graphc
