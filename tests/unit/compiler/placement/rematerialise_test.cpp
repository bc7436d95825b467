#include "compiler/placement/rematerialise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::ElementsAre;

/// h is needed at both ends of the step, the state is replaced in between.
///
///   gpu0   [x -> gpu0]  [h = x + w]  [a = relu h]  [w_new = w + a]  [b = tanh a]  [c = h + b]
class Rematerialise : public testing::Test {
 protected:
  PlacedGraph again(const PlacedGraph& placed, const std::string& value,
                    const std::vector<std::string>& readers) const {
    std::vector<PlacedOpId> ids;
    for (const std::string& reader : readers) ids.push_back(op_named(placed, reader));
    return rematerialise(placed, value_named(placed, value), ids);
  }

  Machine machine_ = star_machine();
  PlacedGraph placed_ = placed_of(graph_of("graph g\n"
                                           "input %x : f32[4]\n"
                                           "state %w : f32[4] init zeros\n"
                                           "constant %k : f32[4] = [1, 2, 3, 4]\n"
                                           "%h = add(%x, %w) device gpu0\n"
                                           "%a = relu(%h) device gpu0\n"
                                           "%w_new = add(%w, %a) device gpu0 updates %w\n"
                                           "%b = tanh(%a) device gpu0\n"
                                           "%c = add(%h, %b) device gpu0\n"
                                           "%d = mul(%c, %k) device gpu0\n"
                                           "output %d\n"),
                                  machine_);
};

//   before   [h]  [a reads h] ...              [c reads h]
//   after    [h]  [a reads h] ... [h (again)]  [c reads h (again)]
TEST_F(Rematerialise, ComputesTheValueASecondTimeRightBeforeItsReader) {
  const PlacedGraph placed = again(placed_, "h@gpu0", {"c"});
  EXPECT_THAT(names_of_ops(placed), ElementsAre("feed x", "x -> gpu0", "h", "a", "w_new", "b",
                                                "h (again)", "c", "d", "d -> cpu", "output d"));
  EXPECT_THAT(names_of_reads(placed, "a"), ElementsAre("h@gpu0"));
  EXPECT_THAT(names_of_reads(placed, "c"), ElementsAre("h@gpu0 (again)", "b@gpu0"));
  EXPECT_EQ(placed.ops[op_named(placed, "h (again)")].reads,
            placed.ops[op_named(placed, "h")].reads);
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

TEST_F(Rematerialise, ValuesKeepTheirIdsAndTheNewOneComesLast) {
  const PlacedGraph placed = again(placed_, "h@gpu0", {"c"});
  ASSERT_EQ(placed.values.size(), placed_.values.size() + 1);
  for (const PlacedValueId value : placed_.values.ids()) {
    EXPECT_EQ(placed.values[value].name, placed_.values[value].name);
  }
  const PlacedValue& last = placed.values[PlacedValueId(placed_.values.size())];
  EXPECT_EQ(last.name, "h@gpu0 (again)");
  EXPECT_EQ(last.producers, std::vector<PlacedOpId>{op_named(placed, "h (again)")});
}

//   before   [a]  [b reads a]               [c reads a twice]          [d reads a]
//   after    [a]  [b reads a]  [a (again)]  [c reads a (again) twice]  [d reads a (again)]
TEST_F(Rematerialise, SeveralReadersShareTheSecondComputation) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%a = relu(%x)\n"
                                               "%b = tanh(%a)\n"
                                               "%c = mul(%a, %a)\n"
                                               "%d = add(%a, %c)\n"
                                               "output %b\n"
                                               "output %d\n"),
                                      machine_);
  const PlacedGraph placed = again(whole, "a@cpu", {"d", "c"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "a", "b", "a (again)", "c", "d", "output b", "output d"));
  EXPECT_THAT(names_of_reads(placed, "c"), ElementsAre("a@cpu (again)", "a@cpu (again)"));
  EXPECT_THAT(names_of_reads(placed, "d"), ElementsAre("a@cpu (again)", "c@cpu"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

//   [h] [a] [w_new] [h (again)] [a (again) reads h (again)] [b] [c reads h (again 2)]
TEST_F(Rematerialise, ASecondComputationMayReadASecondComputation) {
  PlacedGraph placed = again(placed_, "a@gpu0", {"b"});
  placed = again(placed, "h@gpu0", {"a (again)"});
  placed = again(placed, "h@gpu0", {"c"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "x -> gpu0", "h", "a", "w_new", "h (again)", "a (again)", "b",
                          "h (again 2)", "c", "d", "d -> cpu", "output d"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

// c and e read the second computation of h; then e reads a third one.
TEST_F(Rematerialise, ASecondComputationMayBeRepeatedToo) {
  PlacedGraph placed = placed_of(graph_of("graph g\n"
                                          "input %x : f32[4]\n"
                                          "%h = relu(%x)\n"
                                          "%a = tanh(%h)\n"
                                          "%c = add(%h, %a)\n"
                                          "%e = mul(%h, %c)\n"
                                          "output %e\n"),
                                 machine_);
  placed = again(placed, "h@cpu", {"c", "e"});
  placed = again(placed, "h@cpu (again)", {"e"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "h", "a", "h (again)", "c", "h (again 2)", "e", "output e"));
  EXPECT_THAT(names_of_reads(placed, "e"), ElementsAre("h@cpu (again 2)", "c@cpu"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

//   before   [a -> a, a.log_sum]  [b reads a]  [e reads a.log_sum]                [c reads both]
//   after    ... [a (again) -> a (again), a.log_sum (again)]  [c reads a, a.log_sum (again)]
TEST_F(Rematerialise, AllResultsAreThereASecondTime) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %q : f32[1, 4, 2, 8]\n"
                                               "%a = attention(%q, %q, %q)\n"
                                               "%b = relu(%a)\n"
                                               "%e = exp(%a.log_sum)\n"
                                               "%d = reshape(%a) {shape = [8, 8]}\n"
                                               "%f = reshape(%a.log_sum) {shape = [8, 1]}\n"
                                               "%c = add(%d, %f)\n"
                                               "output %b\n"
                                               "output %e\n"
                                               "output %c\n"),
                                      machine_);
  PlacedGraph placed = again(whole, "a.log_sum@cpu", {"f"});
  const PlacedOp& second = placed.ops[op_named(placed, "a (again)")];
  EXPECT_EQ(second.writes, (std::vector{value_named(placed, "a@cpu (again)"),
                                        value_named(placed, "a.log_sum@cpu (again)")}));
  EXPECT_EQ(second.reads, placed.ops[op_named(placed, "a")].reads);
  EXPECT_THAT(names_of_reads(placed, "f"), ElementsAre("a.log_sum@cpu (again)"));
  EXPECT_THAT(names_of_reads(placed, "e"), ElementsAre("a.log_sum@cpu"));
  EXPECT_THAT(names_of_reads(placed, "d"), ElementsAre("a@cpu"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
  placed = again(placed, "a@cpu", {"d"});
  EXPECT_THAT(names_of_reads(placed, "d"), ElementsAre("a@cpu (again 2)"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

// The first result of a replaces a state: the second one cannot be had again without it.
TEST_F(Rematerialise, NoResultBesideOneThatReplacesAState) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "input %q : f32[1, 4, 2, 8]\n"
                                                "state %s : f32[1, 4, 2, 8] init zeros\n"
                                                "%a = attention(%q, %q, %q) updates %s\n"
                                                "%e = exp(%a.log_sum)\n"
                                                "output %e\n"),
                                       machine_);
  EXPECT_FALSE(can_rematerialise(placed, value_named(placed, "a.log_sum@cpu")));
}

TEST_F(Rematerialise, BothComputationsAreDividedIntoTheSameBlocks) {
  const Machine machine = star_machine();
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[64, 4]\n"
                                               "%h = relu(%x)\n"
                                               "%a = tanh(%h)\n"
                                               "%c = add(%h, %a)\n"
                                               "output %c\n"),
                                      machine);
  const PlacedGraph placed = again(whole, "h@cpu", {"c"});
  const BlockSizes sizes{64, 64, 64, 1, 2};
  const PlacedGraph split = split_rows(placed, machine, sizes);
  EXPECT_THAT(names_of_ops(split),
              ElementsAre("feed x", "h[0:32]", "h[32:64]", "a[0:32]", "a[32:64]", "h (again)[0:32]",
                          "h (again)[32:64]", "c[0:32]", "c[32:64]", "output c"));
  EXPECT_EQ(verify_placed_graph(split, machine), std::nullopt);
  EXPECT_FALSE(can_rematerialise(split, value_named(split, "h@cpu"))) << "it has two producers";
}

// An output that stays reads the first computation, so all readers may read the second.
TEST_F(Rematerialise, AnOutputThatStaysKeepsTheFirst) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%h = relu(%x) device gpu0\n"
                                               "%a = tanh(%h) device gpu0\n"
                                               "output %h on gpu0\n"
                                               "output %a on gpu0\n"),
                                      machine_);
  const PlacedGraph placed = again(whole, "h@gpu0", {"a"});
  EXPECT_EQ(placed.resident_outputs[0]->value, value_named(placed, "h@gpu0"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

TEST_F(Rematerialise, OnlyWhatANodeOfTheDeviceMakesAnewInEveryStep) {
  const auto can = [&](const std::string& value) {
    return can_rematerialise(placed_, value_named(placed_, value));
  };
  EXPECT_TRUE(can("h@gpu0"));
  EXPECT_TRUE(can("d@gpu0"));
  EXPECT_FALSE(can("x@cpu")) << "a feed";
  EXPECT_FALSE(can("x@gpu0")) << "a copy";
  EXPECT_FALSE(can("d@cpu")) << "a copy";
  EXPECT_FALSE(can("w@gpu0")) << "a state and its next value";
  EXPECT_FALSE(can("k@gpu0")) << "a constant";
}

TEST_F(Rematerialise, WhatBreaksItsRequirementsIsABug) {
  EXPECT_DEATH(again(placed_, "x@gpu0", {"h"}), "'x@gpu0' is computed once");
  EXPECT_DEATH(again(placed_, "h@gpu0", {}), "nobody reads");
  EXPECT_DEATH(again(placed_, "h@gpu0", {"a", "c"}), "'h@gpu0' is left without readers");
  EXPECT_DEATH(again(placed_, "h@gpu0", {"d"}), "'d' does not read 'h@gpu0' of its step");
}

}  // namespace
}  // namespace graphc
