#include "compiler/placement/offload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/placement/rematerialise.h"
#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::ElementsAre;

/// h is needed at both ends of the step.
///
///   gpu0   [x -> gpu0]  [h = relu x]  [a = tanh h]  [b = tanh a]  [c = h + b]
class Offload : public testing::Test {
 protected:
  PlacedGraph offload(const PlacedGraph& placed, const std::string& value,
                      const std::vector<std::string>& readers) const {
    std::vector<PlacedOpId> ids;
    for (const std::string& reader : readers) ids.push_back(op_named(placed, reader));
    return offload_to_host(placed, value_named(placed, value), ids, machine_);
  }
  bool can(const PlacedGraph& placed, const std::string& value) const {
    return can_offload(placed, value_named(placed, value), machine_);
  }

  Machine machine_ = star_machine();
  PlacedGraph placed_ = placed_of(graph_of("graph g\n"
                                           "input %x : f32[4]\n"
                                           "%h = relu(%x) device gpu0\n"
                                           "%a = tanh(%h) device gpu0\n"
                                           "%b = tanh(%a) device gpu0\n"
                                           "%c = add(%h, %b) device gpu0\n"
                                           "output %c on gpu0\n"),
                                  machine_);
};

//   before   [h]              [a reads h]  [b]                      [c reads h]
//   after    [h]  [h -> cpu]  [a reads h]  [b]  [h -> gpu0 (back)]  [c reads h (back)]
TEST_F(Offload, CopiesOutWhenMadeAndBackBeforeTheReader) {
  const PlacedGraph placed = offload(placed_, "h@gpu0", {"c"});
  EXPECT_THAT(names_of_ops(placed), ElementsAre("feed x", "x -> gpu0", "h", "h -> cpu", "a", "b",
                                                "h -> gpu0 (back)", "c"));
  EXPECT_THAT(names_of_reads(placed, "a"), ElementsAre("h@gpu0"));
  EXPECT_THAT(names_of_reads(placed, "h -> gpu0 (back)"), ElementsAre("h@cpu"));
  EXPECT_THAT(names_of_reads(placed, "c"), ElementsAre("h@gpu0 (back)", "b@gpu0"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

TEST_F(Offload, ValuesKeepTheirIdsAndNewOnesComeLast) {
  const PlacedGraph placed = offload(placed_, "h@gpu0", {"c"});
  ASSERT_EQ(placed.values.size(), placed_.values.size() + 2);
  for (const PlacedValueId value : placed_.values.ids()) {
    EXPECT_EQ(placed.values[value].name, placed_.values[value].name);
  }
  EXPECT_EQ(placed.values[PlacedValueId(placed_.values.size())].name, "h@cpu");
  EXPECT_EQ(placed.values[PlacedValueId(placed_.values.size() + 1)].name, "h@gpu0 (back)");
}

//   before   [h]              [a]  [b]                      [c reads h]  [h -> cpu]  [output h]
//   after    [h]  [h -> cpu]  [a]  [b]  [h -> gpu0 (back)]  [c reads h (back)]       [output h]
TEST_F(Offload, TheCopyForTheHostsOwnReaderIsUsedAndMovesUp) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%h = relu(%x) device gpu0\n"
                                               "%a = tanh(%h) device gpu0\n"
                                               "%c = add(%h, %a) device gpu0\n"
                                               "output %c on gpu0\n"
                                               "output %h\n"),
                                      machine_);
  const PlacedGraph placed = offload(whole, "h@gpu0", {"c"});
  EXPECT_THAT(names_of_ops(placed), ElementsAre("feed x", "x -> gpu0", "h", "h -> cpu", "a",
                                                "h -> gpu0 (back)", "c", "output h"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

//   [feed x]  [x -> gpu0]  [a reads x]  ...  [x -> gpu0 (back)]  [c reads x (back)]
TEST_F(Offload, WhatCameFromTheHostIsSentASecondTime) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%a = relu(%x) device gpu0\n"
                                               "%c = add(%x, %a) device gpu0\n"
                                               "output %c on gpu0\n"),
                                      machine_);
  const PlacedGraph placed = offload(whole, "x@gpu0", {"c"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "x -> gpu0", "a", "x -> gpu0 (back)", "c"));
  EXPECT_THAT(names_of_reads(placed, "x -> gpu0 (back)"), ElementsAre("x@cpu"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

// What is on the host on its way from gpu0 to gpu1 is there for both.
TEST_F(Offload, AHopOverTheHostServesBothEnds) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%h = relu(%x) device gpu0\n"
                                               "%a = tanh(%h) device gpu1\n"
                                               "%c = add(%h, %a) device gpu1\n"
                                               "%d = tanh(%h) device gpu0\n"
                                               "%e = add(%h, %d) device gpu0\n"
                                               "output %c on gpu1\n"
                                               "output %e on gpu0\n"),
                                      machine_);
  PlacedGraph placed = offload(whole, "h@gpu1", {"c"});
  placed = offload(placed, "h@gpu0", {"e"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "x -> gpu0", "h", "h -> cpu", "h -> gpu1", "a",
                          "h -> gpu1 (back)", "c", "d", "h -> gpu0 (back)", "e"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

// The host's copy cannot be made from what is fetched from it: it gets another one.
TEST_F(Offload, ACopyToTheHostMayBeAReaderItself) {
  const PlacedGraph once = offload(placed_, "h@gpu0", {"c"});
  const PlacedGraph placed = offload(once, "h@gpu0", {"h -> cpu"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "x -> gpu0", "h", "h -> cpu (2)", "h -> gpu0 (back 2)",
                          "h -> cpu", "a", "b", "h -> gpu0 (back)", "c"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

//   [h] [h -> cpu] [a] [h -> gpu0 (back)] [b] ... [h -> gpu0 (back 2)] [c]: one way out, two back
TEST_F(Offload, WhatCameBackMayBeParkedAgain) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%h = relu(%x) device gpu0\n"
                                               "%a = tanh(%h) device gpu0\n"
                                               "%b = mul(%h, %a) device gpu0\n"
                                               "%c = add(%h, %b) device gpu0\n"
                                               "output %c on gpu0\n"),
                                      machine_);
  PlacedGraph placed = offload(whole, "h@gpu0", {"b", "c"});
  placed = offload(placed, "h@gpu0 (back)", {"c"});
  EXPECT_THAT(names_of_ops(placed),
              ElementsAre("feed x", "x -> gpu0", "h", "h -> cpu", "a", "h -> gpu0 (back)", "b",
                          "h -> gpu0 (back 2)", "c"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

// The second computation of b reads a, which waits for it on the host. What another computation
// left on the host would come too late for the first: each is offloaded by itself.
TEST_F(Offload, GoesTogetherWithRecomputation) {
  const PlacedGraph whole = placed_of(graph_of("graph g\n"
                                               "input %x : f32[4]\n"
                                               "%a = relu(%x) device gpu0\n"
                                               "%b = tanh(%a) device gpu0\n"
                                               "%c = tanh(%b) device gpu0\n"
                                               "%d = add(%b, %c) device gpu0\n"
                                               "%e = add(%b, %d) device gpu0\n"
                                               "output %e on gpu0\n"),
                                      machine_);
  PlacedGraph placed = rematerialise(whole, value_named(whole, "b@gpu0"),
                                     {op_named(whole, "d"), op_named(whole, "e")});
  placed = offload(placed, "a@gpu0", {"b (again)"});
  placed = offload(placed, "b@gpu0 (again)", {"e"});
  placed = offload(placed, "b@gpu0", {"c"});
  EXPECT_THAT(
      names_of_ops(placed),
      ElementsAre("feed x", "x -> gpu0", "a", "a -> cpu", "b", "b -> cpu (2)", "b -> gpu0 (back 2)",
                  "c", "a -> gpu0 (back)", "b (again)", "b -> cpu", "d", "b -> gpu0 (back)", "e"));
  EXPECT_THAT(names_of_reads(placed, "b -> cpu"), ElementsAre("b@gpu0 (again)"));
  EXPECT_THAT(names_of_reads(placed, "b -> cpu (2)"), ElementsAre("b@gpu0"));
  EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
}

TEST_F(Offload, OnlyWhatIsMadeAnewInEveryStepOnAnotherDevice) {
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "input %x : f32[4]\n"
                                                "state %w : f32[4] init zeros\n"
                                                "constant %k : f32[4] = [1, 2, 3, 4]\n"
                                                "%h = add(%x, %w) device gpu0\n"
                                                "%w_new = mul(%h, %k) device gpu0 updates %w\n"
                                                "%c = relu(%w) device gpu1\n"
                                                "output %h\n"
                                                "output %c on gpu1\n"),
                                       machine_);
  EXPECT_TRUE(can(placed, "h@gpu0"));
  EXPECT_TRUE(can(placed, "x@gpu0"));
  EXPECT_FALSE(can(placed, "x@cpu")) << "is on the host";
  EXPECT_FALSE(can(placed, "h@cpu")) << "is on the host";
  EXPECT_FALSE(can(placed, "w@gpu0")) << "a state and its next value";
  EXPECT_FALSE(can(placed, "w@gpu1")) << "a copy of a state's next value";
  EXPECT_FALSE(can(placed, "k@gpu0")) << "a constant";
}

// cpu - gpu0 - gpu1: gpu1 has no link to the host.
TEST_F(Offload, OnlyOverADirectLink) {
  const Machine chain =
      machine_of("machine: chain\ndevices:\n" + kTidyCpu + tidy_gpu("gpu0") + tidy_gpu("gpu1") +
                 "links:\n"
                 "  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 100ns}\n"
                 "  - {between: [gpu0, gpu1], to: 1GB/s, back: 1GB/s, latency: 100ns}\n");
  const PlacedGraph placed = placed_of(graph_of("graph g\n"
                                                "input %x : f32[4]\n"
                                                "%h = relu(%x) device gpu1\n"
                                                "output %h on gpu1\n"),
                                       chain);
  EXPECT_TRUE(can_offload(placed, value_named(placed, "x@gpu0"), chain));
  EXPECT_FALSE(can_offload(placed, value_named(placed, "h@gpu1"), chain));
  Machine one_way = machine_;
  std::erase_if(one_way.links,
                [&](const LinkDirection& link) { return link.from == machine_.host(); });
  EXPECT_FALSE(can_offload(placed_, value_named(placed_, "h@gpu0"), one_way));
}

TEST_F(Offload, WhatBreaksItsRequirementsIsABug) {
  EXPECT_DEATH(offload(placed_, "x@cpu", {"x -> gpu0"}), "'x@cpu' cannot be offloaded");
  EXPECT_DEATH(offload(placed_, "h@gpu0", {}), "nobody reads");
  EXPECT_DEATH(offload(placed_, "h@gpu0", {"b"}), "'b' does not read 'h@gpu0' of its step");
}

}  // namespace
}  // namespace graphc
