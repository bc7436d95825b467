#include "compiler/placement/sink_slices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

/// x is wanted on gpu0 by the nodes in `text`; insert_copies has sent rows where it may.
class SinkSlices : public testing::Test {
 protected:
  PlacedGraph placed(const std::string& text) const {
    return placed_of(graph_of("graph g\ninput %x : f32[8, 4]\n" + text), machine_);
  }
  static std::vector<std::string> copies(const PlacedGraph& placed) {
    std::vector<std::string> names;
    for (const PlacedOp& op : placed.ops) {
      if (op.kind == PlacedOpKind::kCopy && op.destination != DeviceId(0)) names.push_back(op.name);
    }
    return names;
  }

  Machine machine_ = star_machine();
};

constexpr const char* kHalf =
    "%a = slice(%x) {begin = 0, end = 4} device gpu1\n"
    "%b = slice(%x) {begin = 4, end = 8} device gpu0\n"
    "output %a on gpu1\noutput %b on gpu0\n";

TEST_F(SinkSlices, WhatIsCutOutTravelsInsteadOfTheWhole) {
  const PlacedGraph graph = placed(kHalf);
  EXPECT_THAT(copies(graph), UnorderedElementsAre("a", "b"));
  const PlacedOp& b = graph.ops[op_named(graph, "b")];
  EXPECT_EQ(b.reads[0].rows, (RowRange{4, 8}));
  EXPECT_EQ(graph.values[b.reads[0].value].name, "x@cpu");
  EXPECT_EQ(verify_placed_graph(graph, machine_), std::nullopt);
}

// Each would be a copy with a latency of its own.
TEST_F(SinkSlices, NotIfOneDeviceCutsSeveralTimes) {
  EXPECT_THAT(copies(placed("%a = slice(%x) {begin = 0, end = 4} device gpu0\n"
                            "%b = slice(%x) {begin = 4, end = 8} device gpu0\n"
                            "output %a on gpu0\noutput %b on gpu0\n")),
              ElementsAre("x -> gpu0"));
}

// All rows are x itself.
TEST_F(SinkSlices, NotASliceOfEverything) {
  EXPECT_THAT(copies(placed("%a = slice(%x) {begin = 0, end = 8} device gpu0\n"
                            "output %a on gpu0\n")),
              ElementsAre("x -> gpu0"));
}

TEST_F(SinkSlices, NotIfTheWholeIsReadOrStaysThere) {
  EXPECT_THAT(copies(placed("%a = slice(%x) {begin = 0, end = 4} device gpu0\n"
                            "%y = relu(%x) device gpu0\n"
                            "output %a on gpu0\noutput %y on gpu0\n")),
              ElementsAre("x -> gpu0"));
  EXPECT_THAT(copies(placed("%a = slice(%x) {begin = 0, end = 4} device gpu0\n"
                            "output %a on gpu0\noutput %x on gpu0\n")),
              ElementsAre("x -> gpu0"));
}

TEST_F(SinkSlices, NotColumnsNorWhatTheUserKeeps) {
  EXPECT_THAT(copies(placed("%a = slice(%x) {axis = 1, begin = 0, end = 2} device gpu0\n"
                            "output %a on gpu0\n")),
              ElementsAre("x -> gpu0"));
  EXPECT_THAT(copies(placed("%a = slice(%x) {begin = 0, end = 4} device gpu0 keep\n"
                            "output %a on gpu0\n")),
              ElementsAre("x -> gpu0"));
}

TEST_F(SinkSlices, TheVerifierWantsTheRowsOfTheSlice) {
  PlacedGraph graph = placed(kHalf);
  graph.ops[op_named(graph, "b")].reads[0].rows = RowRange{0, 4};
  EXPECT_EQ(verify_placed_graph(graph, machine_),
            "'b' copies 'x@cpu'[0:4] and writes other rows or another value, 'b@gpu0'");
  graph.ops[op_named(graph, "b")].reads[0].rows.reset();
  EXPECT_EQ(verify_placed_graph(graph, machine_),
            "'b' copies 'x@cpu' and writes other rows or another value, 'b@gpu0'");
}

}  // namespace
}  // namespace graphc
