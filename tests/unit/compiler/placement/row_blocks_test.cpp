#include "compiler/placement/row_blocks.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

using testing::ElementsAre;

std::vector<RowRange> blocks_of_product(int64_t num_rows, const BlockSizes& sizes = {}) {
  const Graph graph =
      graph_of(fmt::format("graph g\ninput %x : f32[{}, 2000]\ninput %w : f32[2000, 2000]\n"
                           "%y = matmul(%x, %w)\noutput %y on cpu\n",
                           num_rows));
  return row_blocks(graph, NodeId(0), sizes);
}

std::vector<int64_t> lengths(const std::vector<RowRange>& blocks) {
  std::vector<int64_t> lengths;
  lengths.reserve(blocks.size());
  for (const RowRange& block : blocks) lengths.push_back(block.end - block.begin);
  return lengths;
}

// In eights of rows, so not quite.
TEST(RowBlocks, AThirdOfAProductsAreHalfAsLargeAsTheOthers) {
  EXPECT_THAT(lengths(blocks_of_product(2000)),
              ElementsAre(200, 200, 200, 200, 200, 200, 200, 200, 96, 104, 96, 104));
  EXPECT_THAT(lengths(blocks_of_product(480)), ElementsAre(192, 192, 96));
}

TEST(RowBlocks, AProductOfFewRowsIsNotDivided) {
  EXPECT_THAT(lengths(blocks_of_product(319)), ElementsAre(319));
  EXPECT_THAT(lengths(blocks_of_product(320)), ElementsAre(160, 160));
}

// Down to a row a block.
TEST(RowBlocks, LeaveOutNoRowAndNoneIsEmpty) {
  for (int64_t num_rows = 1; num_rows <= 100; ++num_rows) {
    for (int64_t most_blocks = 1; most_blocks <= 20; ++most_blocks) {
      BlockSizes sizes;
      sizes.least_flops = 1;
      sizes.least_rows_of_product = 1;
      sizes.most_blocks = most_blocks;
      const auto blocks = blocks_of_product(num_rows, sizes);
      SCOPED_TRACE(fmt::format("{} rows in at most {} blocks", num_rows, most_blocks));
      ASSERT_EQ(std::ssize(blocks), std::min(num_rows, most_blocks));
      int64_t begin = 0;
      for (const RowRange& block : blocks) {
        EXPECT_EQ(block.begin, begin);
        EXPECT_LT(block.begin, block.end);
        begin = block.end;
      }
      EXPECT_EQ(begin, num_rows);
    }
  }
}

}  // namespace
}  // namespace graphc
