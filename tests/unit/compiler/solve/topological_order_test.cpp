#include "compiler/solve/topological_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace graphc {
namespace {

using Cycles = std::vector<std::vector<size_t>>;

TEST(TopologicalOrder, LowestOfTheReadyComesFirst) {
  //  0 reads 3; 1 reads nothing; 2 reads 1 and 0; 3 reads nothing
  const TopologicalOrder sorted = sort_topologically({{3}, {}, {1, 0}, {}});
  EXPECT_EQ(sorted.order, (std::vector<size_t>{1, 3, 0, 2}));
  EXPECT_TRUE(sorted.cycles.empty());
}

TEST(TopologicalOrder, FindsShortCyclesInTheDirectionOfTheData) {
  //  0 -> 1 -> 2 -> 0 with the shortcut 0 -> 2; 3 reads itself; 4 is behind both; 5 is free
  const TopologicalOrder sorted = sort_topologically({{2}, {0}, {1, 0}, {3}, {2, 3}, {}});
  EXPECT_EQ(sorted.cycles, (Cycles{{0, 2}, {3}}));
  EXPECT_EQ(sorted.order, (std::vector<size_t>{5}));
}

// Many small cycles, and long chains behind one: each item is looked at once.
TEST(TopologicalOrder, FindsCyclesInLinearTime) {
  constexpr size_t kSize = 400'000;
  std::vector<std::vector<size_t>> reads(kSize);
  for (size_t i = 0; i + 1 < kSize; i += 2) {
    reads[i] = {i + 1};
    reads[i + 1] = {i};
  }
  EXPECT_EQ(sort_topologically(reads).cycles.size(), kSize / 2);
  for (size_t i = 0; i < kSize; ++i) reads[i] = {std::min(i + 1, kSize - 1)};
  EXPECT_EQ(sort_topologically(reads).cycles, (Cycles{{kSize - 1}}));
}

TEST(TopologicalOrder, KeepsOrdersAndReportsCyclesOfRandomGraphs) {
  constexpr unsigned kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  for (int round = 0; round < 500; ++round) {
    const size_t size = 1 + below(12);
    std::vector<std::vector<size_t>> reads(size);
    const bool may_have_cycles = round % 2 == 0;
    for (size_t i = 0; i < size; ++i) {
      for (size_t k = below(3); k > 0 && (may_have_cycles || i > 0); --k) {
        reads[i].push_back(may_have_cycles ? below(size) : below(i));
      }
    }
    const TopologicalOrder sorted = sort_topologically(reads);
    if (!may_have_cycles) {
      ASSERT_EQ(sorted.order.size(), size);
      ASSERT_TRUE(std::is_sorted(sorted.order.begin(), sorted.order.end()));
    }
    ASSERT_EQ(sorted.cycles.empty(), sorted.order.size() == size);
    for (const std::vector<size_t>& cycle : sorted.cycles) {
      for (size_t i = 0; i < cycle.size(); ++i) {
        const std::vector<size_t>& read = reads[cycle[(i + 1) % cycle.size()]];
        ASSERT_NE(std::find(read.begin(), read.end(), cycle[i]), read.end());
      }
    }
  }
}

}  // namespace
}  // namespace graphc
