#include "compiler/solve/packing/pack_lives.h"

#include <gtest/gtest.h>

#include <random>

namespace graphc {
namespace {

/// A conflict wherever two lives overlap.
PackingProblem conflicts_of(const IdVector<RequestId, LiveInterval>& lives,
                            const IdVector<RequestId, int64_t>& size_bytes) {
  PackingProblem problem{size_bytes, IdVector<RequestId, std::vector<RequestId>>(lives.size())};
  for (const RequestId a : lives.ids()) {
    for (const RequestId b : lives.ids()) {
      if (a == b || lives[a].begin >= lives[b].end || lives[b].begin >= lives[a].end) continue;
      problem.conflicts[a].push_back(b);
    }
  }
  return problem;
}

TEST(PackWithLives, IsValidAndNeverLargerThanWithout) {
  int num_smaller = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    IdVector<RequestId, LiveInterval> lives;
    IdVector<RequestId, int64_t> size_bytes;
    for (int i = 0; i < 120; ++i) {
      const auto begin = static_cast<int64_t>(random() % 60);
      lives.push_back({begin, begin + 1 + static_cast<int64_t>(random() % 12)});
      size_bytes.push_back(256 * (1 + static_cast<int64_t>(random() % 40)));
    }
    const PackingProblem problem = conflicts_of(lives, size_bytes);
    const Packing packing = pack_with_lives(problem, packing_bound_bytes(problem), lives);
    EXPECT_FALSE(find_packing_violation(problem, packing));
    EXPECT_LE(packing.arena_bytes, pack(problem, packing_bound_bytes(problem)).arena_bytes);
    num_smaller +=
        packing.arena_bytes < pack(problem, packing_bound_bytes(problem)).arena_bytes ? 1 : 0;
  }
  EXPECT_GT(num_smaller, 0);
}

//   b0  |---)                 b0 and b1 do not overlap, but an order is missing between them
//   b1       |---)
TEST(PackWithLives, AConflictThatIsNoOverlapIsKept) {
  IdVector<RequestId, LiveInterval> lives;
  lives.push_back({0, 2});
  lives.push_back({2, 4});
  PackingProblem problem;
  problem.size_bytes = IdVector<RequestId, int64_t>(2, 256);
  problem.conflicts.push_back({RequestId(1)});
  problem.conflicts.push_back({RequestId(0)});
  EXPECT_EQ(pack_with_lives(problem, 256, lives).arena_bytes, 512);
}

}  // namespace
}  // namespace graphc
