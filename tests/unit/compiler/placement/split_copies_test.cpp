#include "compiler/placement/split_copies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/placement/row_blocks.h"
#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/placement/placed_names.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Rows of 16 bytes. Operators of the CPU are made in blocks of two rows; a copy has at least
/// three.
constexpr BlockSizes kSizes{.least_bytes = 64, .most_blocks = 4, .least_bytes_of_copy = 48};

class SplitCopiesTest : public testing::Test {
 protected:
  SplitCopies split(const std::string& text) const {
    const Graph graph = graph_of("graph g\n" + text);
    return split_copies(split_rows(placed_of(graph, machine_), machine_, kSizes), kSizes);
  }
  std::vector<std::string> copies(const PlacedGraph& placed) const {
    EXPECT_EQ(verify_placed_graph(placed, machine_), std::nullopt);
    std::vector<std::string> names;
    for (const PlacedOp& op : placed.ops) {
      if (op.kind == PlacedOpKind::kCopy) names.push_back(op.name);
    }
    return names;
  }

  Machine machine_ = star_machine();
};

// The last block, of two rows, is not worth a copy of its own.
TEST_F(SplitCopiesTest, WhatIsMadeInBlocksTravelsInBlocks) {
  const SplitCopies result = split(
      "state %x : f32[8, 4] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0\n"
      "output %b on gpu0\n");
  ASSERT_THAT(copies(result.placed), ElementsAre("a -> gpu0[0:4]", "a -> gpu0[4:8]"));
  const PlacedOp& second = result.placed.ops[op_named(result.placed, "a -> gpu0[4:8]")];
  EXPECT_EQ(second.rows, (RowRange{4, 8}));
  EXPECT_EQ(second.reads[0].rows, (RowRange{4, 8}));
  EXPECT_EQ(result.placed.producers_of(second.reads[0]).size(), 2U);
  // Who reads it reads it as one value.
  const PlacedOp& reader = result.placed.ops[op_named(result.placed, "b")];
  EXPECT_EQ(result.placed.producers_of(reader.reads[0]).size(), 2U);
}

TEST_F(SplitCopiesTest, WhatIsReadInBlocksTravelsInBlocks) {
  const SplitCopies result = split(
      "state %x : f32[8, 4] init zeros\n"
      "%a = relu(%x) device gpu0\n"
      "%b = relu(%a) device cpu\n"
      "output %b\n");
  EXPECT_THAT(copies(result.placed), ElementsAre("a -> cpu[0:4]", "a -> cpu[4:8]"));
  const PlacedOp& first = result.placed.ops[op_named(result.placed, "b[0:2]")];
  EXPECT_THAT(result.placed.producers_of(first.reads[0]),
              ElementsAre(op_named(result.placed, "a -> cpu[0:4]")));
}

TEST_F(SplitCopiesTest, AStateTravelsInTheBlocksOfItsUpdate) {
  const SplitCopies result = split(
      "state %w : f32[8, 4] init zeros\n"
      "%y = relu(%w) device gpu0\n"
      "%w_new = relu(%w) device cpu updates %w\n"
      "output %y on gpu0\n");
  EXPECT_THAT(copies(result.placed), ElementsAre("w -> gpu0[0:4]", "w -> gpu0[4:8]"));
}

TEST_F(SplitCopiesTest, OthersStayWhole) {
  const auto copies_of = [&](const std::string& text) { return copies(split(text).placed); };
  // Too small for two.
  EXPECT_THAT(copies_of("state %x : f32[5, 4] init zeros\n%a = relu(%x) device cpu\n"
                        "%b = relu(%a) device gpu0\noutput %b on gpu0\n"),
              ElementsAre("a -> gpu0"));
  // Of a batch, which no step waits for.
  EXPECT_THAT(copies_of("input %x : f32[8, 4]\n%a = relu(%x) device gpu0\noutput %a on gpu0\n"),
              ElementsAre("x -> gpu0"));
  // Made as a whole and read as a whole.
  EXPECT_THAT(copies_of("state %x : f32[8, 4] init zeros\n%a = relu(%x) device gpu0\noutput %a\n"),
              ElementsAre("a -> cpu"));
}

TEST_F(SplitCopiesTest, RowsThatWereCutOutOrArePutTogetherTravelInBlocks) {
  const SplitCopies cut = split(
      "state %x : f32[16, 4] init zeros\n%a = relu(%x) device cpu\n"
      "%b = slice(%a) {begin = 6, end = 16} device gpu0\noutput %b on gpu0\n");
  ASSERT_THAT(copies(cut.placed), ElementsAre("b[0:6]", "b[6:10]"));
  const PlacedOp& second = cut.placed.ops[op_named(cut.placed, "b[6:10]")];
  EXPECT_EQ(second.reads[0].rows, (RowRange{12, 16}));
  EXPECT_EQ(second.rows, (RowRange{6, 10}));
  const SplitCopies put = split(
      "state %x : f32[8, 64] init zeros\n%a = relu(%x) device cpu\n%b = tanh(%x) device gpu0\n"
      "%c = concat(%b, %a) device gpu0\n%d = relu(%c) device gpu0\noutput %d on gpu0\n");
  ASSERT_THAT(copies(put.placed),
              ElementsAre("a -> gpu0[0:2]", "a -> gpu0[2:4]", "a -> gpu0[4:6]", "a -> gpu0[6:8]"));
  const PlacedOp& last = put.placed.ops[op_named(put.placed, "a -> gpu0[6:8]")];
  EXPECT_EQ(last.reads[0].rows, (RowRange{6, 8}));
  EXPECT_EQ(last.rows, (RowRange{14, 16}));
}

TEST_F(SplitCopiesTest, EveryOperationKnowsItsOrigin) {
  const Graph graph = graph_of(
      "graph g\n"
      "state %x : f32[8, 4] init zeros\n"
      "%a = relu(%x) device cpu\n"
      "%b = relu(%a) device gpu0\n"
      "output %b\n");
  const PlacedGraph whole = split_rows(placed_of(graph, machine_), machine_, kSizes);
  const SplitCopies result = split_copies(whole, kSizes);
  ASSERT_EQ(result.origin.size(), result.placed.ops.size());
  for (const PlacedOpId op : result.placed.ops.ids()) {
    const std::string& name = result.placed.ops[op].name;
    EXPECT_TRUE(name.starts_with(whole.ops[result.origin[op]].name)) << name;
  }
}

std::vector<RowRange> copied(const std::vector<RowRange>& blocks) {
  return copy_blocks({ElementType::kF32, {100, 4}}, blocks, kSizes);
}

TEST(CopyBlocks, AreAsFewBlocksAsAreWorthACopy) {
  EXPECT_THAT(copied({}), IsEmpty());
  EXPECT_THAT(copied({{0, 100}}), ElementsAre(RowRange{0, 100}));
  EXPECT_THAT(copied({{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 100}}),
              ElementsAre(RowRange{0, 3}, RowRange{3, 100}));
  EXPECT_THAT(copied({{0, 50}, {50, 98}, {98, 100}}),
              ElementsAre(RowRange{0, 50}, RowRange{50, 100}));
  EXPECT_THAT(copied({{0, 1}, {1, 2}}), ElementsAre(RowRange{0, 2}));
}

}  // namespace
}  // namespace graphc
