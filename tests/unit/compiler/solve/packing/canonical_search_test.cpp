#include "compiler/solve/packing/canonical_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace graphc {
namespace {

constexpr int64_t kPlenty = 100'000'000;

Strip random_search_strip(std::mt19937& random, size_t num_blocks, unsigned num_times) {
  IntervalProblem problem;
  for (size_t i = 0; i < num_blocks; ++i) {
    const auto begin = static_cast<int64_t>(random() % num_times);
    const auto length = 1 + static_cast<int64_t>(random() % num_times);
    problem.requests.push_back({1 + static_cast<int64_t>(random() % 6), {begin, begin + length}});
  }
  return split_into_strips(problem).front();
}

bool overlap_anywhere(const Strip& strip, const StripPacking& packing) {
  for (size_t a = 0; a < strip.blocks.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (!overlap_in_time(strip.blocks[a], strip.blocks[b])) continue;
      if (packing.offset_bytes[a] < packing.offset_bytes[b] + strip.blocks[b].size_bytes &&
          packing.offset_bytes[b] < packing.offset_bytes[a] + strip.blocks[a].size_bytes) {
        return true;
      }
    }
  }
  return false;
}

/// First fit in the order of the offsets of an optimal packing finds one: all orders find it.
int64_t optimum_of(const Strip& strip) {
  std::vector<size_t> order(strip.blocks.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  int64_t optimum_bytes = std::numeric_limits<int64_t>::max();
  do {
    StripPacking packing{std::vector<int64_t>(order.size(), 0), 0};
    std::vector<size_t> placed;
    for (const size_t id : order) {
      // Above all that is placed: canonical, in the order of offset.
      int64_t offset_bytes = 0;
      for (const size_t other : placed) {
        if (!overlap_in_time(strip.blocks[id], strip.blocks[other])) continue;
        offset_bytes =
            std::max(offset_bytes, packing.offset_bytes[other] + strip.blocks[other].size_bytes);
      }
      packing.offset_bytes[id] = offset_bytes;
      packing.height_bytes =
          std::max(packing.height_bytes, offset_bytes + strip.blocks[id].size_bytes);
      placed.push_back(id);
    }
    optimum_bytes = std::min(optimum_bytes, packing.height_bytes);
  } while (std::next_permutation(order.begin(), order.end()));
  return optimum_bytes;
}

// Both answers are proofs: of what fits, and of what does not.
TEST(SearchCanonical, FindsTheOptimumAndProvesThatLessIsImpossible) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Strip strip = random_search_strip(random, 7, 7);
    const int64_t optimum_bytes = optimum_of(strip);
    const SearchResult found = search_canonical(strip, optimum_bytes, kPlenty);
    ASSERT_EQ(found.end, SearchEnd::kFound);
    EXPECT_EQ(found.packing.height_bytes, optimum_bytes);
    EXPECT_FALSE(overlap_anywhere(strip, found.packing));
    EXPECT_EQ(search_canonical(strip, optimum_bytes - 1, kPlenty).end, SearchEnd::kImpossible);
  }
}

// Found among a million small random problems: the load is 28 and the optimum is more, which the rules of
// MiniMalloc alone prove, too.
TEST(SearchCanonical, ProvesThatTheLoadIsImpossible) {
  IntervalProblem problem;
  for (const IntervalRequest& request : std::vector<IntervalRequest>{{7, {0, 1}},
                                                                     {1, {0, 6}},
                                                                     {7, {0, 2}},
                                                                     {10, {0, 3}},
                                                                     {10, {1, 4}},
                                                                     {1, {2, 5}},
                                                                     {8, {3, 4}},
                                                                     {7, {3, 6}},
                                                                     {5, {4, 5}},
                                                                     {12, {4, 6}},
                                                                     {8, {5, 6}}}) {
    problem.requests.push_back(
        {request.size_bytes, {2 * request.live.begin, 2 * request.live.end}});
  }
  const Strip strip = split_into_strips(problem).front();
  EXPECT_EQ(strip.max_load_bytes, 28);
  EXPECT_EQ(search_canonical(strip, 28, kPlenty).end, SearchEnd::kImpossible);
  EXPECT_EQ(search_canonical(strip, 29, kPlenty).end, SearchEnd::kFound);
}

TEST(SearchCanonical, WhatIsFoundIsSound) {
  int num_found = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const Strip strip = random_search_strip(random, 60, 30);
    const SearchResult result = search_canonical(strip, strip.max_load_bytes, 200'000);
    if (result.end != SearchEnd::kFound) continue;
    ++num_found;
    EXPECT_EQ(result.packing.height_bytes, strip.max_load_bytes);
    EXPECT_FALSE(overlap_anywhere(strip, result.packing));
  }
  EXPECT_GT(num_found, 30);
}

TEST(SearchCanonical, StopsAtItsBudget) {
  std::mt19937 random(1);
  const Strip strip = random_search_strip(random, 200, 60);
  const SearchResult result = search_canonical(strip, strip.max_load_bytes, 1000);
  EXPECT_LE(result.num_steps, 1000 + 200);
}

}  // namespace
}  // namespace graphc
