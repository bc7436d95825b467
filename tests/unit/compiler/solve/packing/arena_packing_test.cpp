#include "compiler/solve/packing/arena_packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace graphc {
namespace {

PackingProblem problem_of(const std::vector<int64_t>& sizes,
                          const std::vector<std::pair<int, int>>& conflicts) {
  PackingProblem problem;
  for (const int64_t size : sizes) problem.size_bytes.push_back(size);
  problem.conflicts = IdVector<RequestId, std::vector<RequestId>>(sizes.size());
  for (const auto& [a, b] : conflicts) {
    problem.conflicts[RequestId(a)].push_back(RequestId(b));
    problem.conflicts[RequestId(b)].push_back(RequestId(a));
  }
  for (auto& list : problem.conflicts) std::sort(list.begin(), list.end());
  return problem;
}

//   512  +----+
//        | b1 +----+
//   256  +----+    |      b0 and b1 conflict, b1 and b2 conflict, b0 and b2 share
//        | b0 | b2 |
//     0  +----+----+
TEST(Pack, WhatDoesNotConflictSharesBytes) {
  const PackingProblem problem = problem_of({256, 256, 256}, {{0, 1}, {1, 2}});
  const Packing packing = pack(problem, packing_bound_bytes(problem));
  EXPECT_EQ(packing.arena_bytes, 512);
  EXPECT_EQ(packing.offset_bytes[RequestId(0)], packing.offset_bytes[RequestId(2)]);
  EXPECT_EQ(packing_bound_bytes(problem), 512);
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

TEST(Pack, AllInConflictLieSideBySide) {
  const PackingProblem problem = problem_of({256, 512, 1024}, {{0, 1}, {0, 2}, {1, 2}});
  EXPECT_EQ(pack(problem, packing_bound_bytes(problem)).arena_bytes, 1792);
  EXPECT_EQ(packing_bound_bytes(problem), 1792);
}

/// In units of 256 bytes.
int64_t packed_units(const std::vector<int64_t>& sizes,
                     const std::vector<std::pair<int, int>>& conflicts) {
  std::vector<int64_t> sizes_bytes;
  for (const int64_t size : sizes) sizes_bytes.push_back(256 * size);
  const PackingProblem problem = problem_of(sizes_bytes, conflicts);
  const Packing packing = pack(problem, packing_bound_bytes(problem));
  EXPECT_FALSE(find_packing_violation(problem, packing));
  return packing.arena_bytes / 256;
}

/// Symmetric: half of all pairs are in conflict.
std::vector<std::vector<char>> random_graph(std::mt19937& random, size_t size) {
  std::vector<std::vector<char>> is_edge(size, std::vector<char>(size, 0));
  for (size_t a = 0; a < size; ++a) {
    for (size_t b = 0; b < a; ++b) is_edge[a][b] = is_edge[b][a] = random() % 2 == 0 ? 1 : 0;
  }
  return is_edge;
}

/// The least height over all orders, each request at the lowest offset that is free; by brute
/// force.
int64_t lowest_units(const std::vector<int64_t>& sizes,
                     const std::vector<std::vector<char>>& is_edge) {
  std::vector<size_t> order(sizes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  int64_t lowest = std::numeric_limits<int64_t>::max();
  do {
    std::vector<int64_t> offsets(sizes.size(), -1);
    int64_t height = 0;
    for (const size_t a : order) {
      const auto is_free = [&](int64_t offset) {
        for (size_t b = 0; b < sizes.size(); ++b) {
          if (offsets[b] < 0 || is_edge[a][b] == 0) continue;
          if (offset < offsets[b] + sizes[b] && offsets[b] < offset + sizes[a]) return false;
        }
        return true;
      };
      int64_t offset = 0;
      while (!is_free(offset)) ++offset;
      offsets[a] = offset;
      height = std::max(height, offset + sizes[a]);
    }
    lowest = std::min(lowest, height);
  } while (std::next_permutation(order.begin(), order.end()));
  return lowest;
}

// Three orders are tried, and each is needed. Lines are conflicts.
//
//   by size             b0(2) - b1(1)     3 |b3|  |b2|
//                         |               2 |b3|b1|      b3 at 0, b0 at 0, b1 at 2, b2 at 3: 4;
//                       b2(1) - b3(3)     0 |b3|b0|      any other order puts b3 above b2: 6
TEST(Pack, LargeOnesFirstWhereTheyWouldEndUpOnTop) {
  EXPECT_EQ(packed_units({2, 1, 1, 3}, {{0, 1}, {0, 2}, {2, 3}}), 4);
}

//   by conflicts        b0 - b2 - b3 - b1   a path: two rows will do, if its middle goes first
//                                           b2 at 0, b3 at 1, b0 at 1, b1 at 0: 2; by size or as
//                                           given b0 and b1 both take 0: 3
TEST(Pack, TheMostContestedFirstWhereAllAreOfOneSize) {
  EXPECT_EQ(packed_units({1, 1, 1, 1}, {{0, 2}, {1, 3}, {2, 3}}), 2);
}

//   as given            b3(3) - b0(1) - b2(1) - b1(3)
//                                           b0 at 0, b1 at 0, b2 at 3, b3 at 1: 4; with b1 and b3
//                                           both at 0, b0 and b2 pile up above them: 5
TEST(Pack, AsGivenWhereNeitherSizeNorConflictsTell) {
  EXPECT_EQ(packed_units({1, 3, 1, 3}, {{0, 2}, {0, 3}, {1, 2}}), 4);
}

// All orders are tried: no packing of six requests is lower than first fit in the best of them.
TEST(Pack, SmallProblemsArePackedBestPossible) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::vector<std::vector<char>> is_edge = random_graph(random, 6);
    std::vector<int64_t> sizes(is_edge.size());
    for (int64_t& size : sizes) size = 1 + static_cast<int64_t>(random() % 8);
    std::vector<std::pair<int, int>> conflicts;
    for (size_t a = 0; a < sizes.size(); ++a) {
      for (size_t b = 0; b < a; ++b) {
        if (is_edge[a][b] != 0) conflicts.emplace_back(static_cast<int>(b), static_cast<int>(a));
      }
    }
    EXPECT_EQ(packed_units(sizes, conflicts), lowest_units(sizes, is_edge));
  }
}

// b0 at 0, b1 above it; b2 conflicts with b1 alone, so it goes below, beside b0.
TEST(Pack, GapsAreFilledFromBelow) {
  const PackingProblem problem = problem_of({1024, 512, 256}, {{0, 1}, {1, 2}});
  const Packing packing = pack(problem, packing_bound_bytes(problem));
  EXPECT_EQ(packing.offset_bytes[RequestId(2)], 0);
  EXPECT_EQ(packing.arena_bytes, 1536);
}

TEST(Pack, NothingNeedsNothing) {
  EXPECT_EQ(pack(PackingProblem{}, 0).arena_bytes, 0);
  EXPECT_EQ(packing_bound_bytes(PackingProblem{}), 0);
}

TEST(FindPackingViolation, NamesBothThatOverlap) {
  const PackingProblem problem = problem_of({256, 256, 256}, {{0, 1}, {1, 2}});
  Packing packing{IdVector<RequestId, int64_t>(3, 0), 512};
  packing.offset_bytes[RequestId(1)] = 256;
  EXPECT_FALSE(find_packing_violation(problem, packing));
  packing.offset_bytes[RequestId(1)] = 255;  // one byte is enough
  const auto violation = find_packing_violation(problem, packing);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->first, RequestId(0));
  EXPECT_EQ(violation->second, RequestId(1));
}

TEST(FindPackingViolation, NamesOneOutsideTheArena) {
  const PackingProblem problem = problem_of({256}, {});
  for (const int64_t offset : {-1, 1}) {
    const auto violation =
        find_packing_violation(problem, {IdVector<RequestId, int64_t>(1, offset), 256});
    ASSERT_TRUE(violation) << offset;
    EXPECT_EQ(violation->first, violation->second);
  }
}

TEST(Pack, RandomProblemsArePackedSoundlyAndNeverBelowTheBound) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<int64_t> sizes(1 + random() % 15);
    for (int64_t& size : sizes) size = 256 * static_cast<int64_t>(1 + random() % 8);
    std::vector<std::pair<int, int>> conflicts;
    for (int a = 0; a < static_cast<int>(sizes.size()); ++a) {
      for (int b = 0; b < a; ++b) {
        if (random() % 2 == 0) conflicts.emplace_back(b, a);
      }
    }
    const PackingProblem problem = problem_of(sizes, conflicts);
    const Packing packing = pack(problem, packing_bound_bytes(problem));
    EXPECT_FALSE(find_packing_violation(problem, packing));
    EXPECT_GE(packing.arena_bytes, packing_bound_bytes(problem));
    int64_t total = 0;
    for (const int64_t size : sizes) total += size;
    EXPECT_LE(packing.arena_bytes, total);
    for (const int64_t offset : packing.offset_bytes) EXPECT_EQ(offset % 256, 0);
  }
}

}  // namespace
}  // namespace graphc
