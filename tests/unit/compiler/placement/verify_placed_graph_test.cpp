#include <gtest/gtest.h>

#include "compiler/placement/placed_graph.h"
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
  PlacedOpId op(const std::string& name) const {
    for (const PlacedOpId id : placed_.ops.ids()) {
      if (placed_.ops[id].name == name) return id;
    }
    CHECK(false, "no operation " + name);
  }
  PlacedValueId value(const std::string& name) const {
    for (const PlacedValueId id : placed_.values.ids()) {
      if (placed_.values[id].name == name) return id;
    }
    CHECK(false, "no value " + name);
  }
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

TEST_F(VerifyPlacedGraph, AValueTwiceOnOneDevice) {
  placed_.values.push_back(placed_.values[value("h@gpu0")]);
  EXPECT_EQ(verify(), "'h@gpu0' exists twice on gpu0");
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
  placed_.values[*copy.writes].device = gpu1;
  EXPECT_EQ(verify(), "'h -> cpu' has no link from gpu0 to gpu1");
}

TEST_F(VerifyPlacedGraph, ACopyOfTwoValues) {
  PlacedOp& copy = placed_.ops[op("x -> gpu0")];
  copy.reads.push_back(copy.reads[0]);
  EXPECT_EQ(verify(), "'x -> gpu0' is not a copy of one value");
}

TEST_F(VerifyPlacedGraph, ACopyThatChangesTheValue) {
  placed_.ops[op("h -> cpu")].reads[0].value = value("x@gpu0");
  EXPECT_EQ(verify(), "'h -> cpu' copies one value and writes another");
}

TEST_F(VerifyPlacedGraph, ANodeOnAnotherDeviceThanItsPin) {
  placed_.graph.nodes[NodeId(0)].device = "gpu1";
  EXPECT_EQ(verify(), "'h' is pinned to gpu1 but placed on gpu0");
}

TEST_F(VerifyPlacedGraph, ANodePlacedTwice) {
  placed_.ops.push_back(placed_.ops[op("h")]);
  EXPECT_EQ(verify(), "'h' is not placed once");
}

TEST_F(VerifyPlacedGraph, ANodeThatIsNotPlaced) {
  placed_.ops[op("h")].node = NodeId(1);
  placed_.graph.nodes[NodeId(1)].device.reset();
  EXPECT_EQ(verify(), "'h' is not placed once");
}

}  // namespace
}  // namespace graphc
