#include "compiler/solve/packing/interval_packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace graphc {
namespace {

IntervalProblem problem_of(const std::vector<IntervalRequest>& requests) {
  IntervalProblem problem;
  for (const IntervalRequest& request : requests) problem.requests.push_back(request);
  return problem;
}

PackingGoal with_search_steps(int64_t max_search_steps) {
  PackingGoal goal;
  goal.max_search_steps = max_search_steps;
  return goal;
}

/// Up to `max_requests`, sizes up to 8, alive within [0, num_times).
IntervalProblem random_problem(std::mt19937& random, size_t max_requests, unsigned num_times) {
  std::vector<IntervalRequest> requests(1 + random() % max_requests);
  for (IntervalRequest& request : requests) {
    const auto up_to = [&](uint64_t count) { return static_cast<int64_t>(random() % count); };
    request.size_bytes = 1 + up_to(8);
    request.live.begin = up_to(num_times);
    const auto num_later = num_times - static_cast<uint64_t>(request.live.begin);
    request.live.end = request.live.begin + 1 + up_to(num_later);
  }
  return problem_of(requests);
}

/// The plain way: no structure over time, no strips.
int64_t first_fit_bytes(const IntervalProblem& problem, const std::vector<RequestId>& order) {
  std::vector<std::pair<RequestId, int64_t>> placed;
  int64_t arena_bytes = 0;
  for (const RequestId id : order) {
    const auto& [size_bytes, live] = problem.requests[id];
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (const auto& [other, offset_bytes] : placed) {
      const auto& [other_bytes, other_live] = problem.requests[other];
      if (other_live.begin >= live.end || live.begin >= other_live.end) continue;
      taken.emplace_back(offset_bytes, offset_bytes + other_bytes);
    }
    std::sort(taken.begin(), taken.end());
    int64_t offset_bytes = 0;
    for (const auto& [begin, end] : taken) {
      if (begin - offset_bytes >= size_bytes) break;
      offset_bytes = std::max(offset_bytes, end);
    }
    placed.emplace_back(id, offset_bytes);
    arena_bytes = std::max(arena_bytes, offset_bytes + size_bytes);
  }
  return arena_bytes;
}

std::vector<RequestId> ids_of(const IntervalProblem& problem) {
  std::vector<RequestId> ids;
  for (const RequestId id : problem.requests.ids()) ids.push_back(id);
  return ids;
}

/// First fit in the order of the offsets of an optimal packing finds one: all orders find it.
int64_t optimum_bytes(const IntervalProblem& problem) {
  std::vector<RequestId> order = ids_of(problem);
  int64_t best_bytes = std::numeric_limits<int64_t>::max();
  do {
    best_bytes = std::min(best_bytes, first_fit_bytes(problem, order));
  } while (std::next_permutation(order.begin(), order.end()));
  return best_bytes;
}

//   4  +-----------+
//      |    b1     |  +--+        b2 goes below b1, where b0 was; b3 needs nothing of either
//   2  +-----+--+--+  |b3|
//      | b0  |  | b2  |  |
//   0  +-----+  +-----+--+
//      0     2  3     5  6
TEST(PackIntervals, WhatIsAliveInTurnSharesBytes) {
  const IntervalProblem problem = problem_of({{2, {0, 2}}, {2, {0, 4}}, {2, {3, 5}}, {3, {5, 6}}});
  const Packing packing = pack_intervals(problem, {});
  EXPECT_EQ(max_load_bytes(problem), 4);
  EXPECT_EQ(packing.arena_bytes, 4);
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

//   3  +-----+--------+
//      | b3  |   b4   |      full at all times: height 3 leaves no gap anywhere
//   2  +-----+--+-----+
//      |   b1   |  b2 |
//   1  +--------+-----+
//      |      b0      |
//   0  +--------------+
//      0     2  3     5
TEST(PackIntervals, APlantedSquareIsFilled) {
  const IntervalProblem problem =
      problem_of({{1, {0, 5}}, {1, {0, 3}}, {1, {3, 5}}, {1, {0, 2}}, {1, {2, 5}}});
  EXPECT_EQ(pack_intervals(problem, {}).arena_bytes, 3);
}

TEST(PackIntervals, NothingNeedsNothing) {
  EXPECT_EQ(pack_intervals({}, {}).arena_bytes, 0);
  EXPECT_EQ(max_load_bytes({}), 0);
  EXPECT_FALSE(find_packing_violation(IntervalProblem{}, pack_intervals({}, {})));
}

TEST(PackIntervals, RequestsWithoutBytesOrLifeLieAtTheBottom) {
  const IntervalProblem problem = problem_of({{0, {0, 9}}, {7, {3, 3}}, {5, {4, 2}}, {4, {0, 9}}});
  const Packing packing = pack_intervals(problem, {});
  // What is never alive is in nobody's way, but its bytes still have to exist.
  EXPECT_EQ(packing.arena_bytes, 7);
  for (const int64_t offset_bytes : packing.offset_bytes) EXPECT_EQ(offset_bytes, 0);
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

TEST(PackIntervals, AllAliveAtOnceLieOnEachOther) {
  std::vector<IntervalRequest> requests;
  for (int64_t i = 0; i < 300; ++i) requests.push_back({1 + i % 7, {-i, 1 + i * i}});
  const IntervalProblem problem = problem_of(requests);
  const Packing packing = pack_intervals(problem, {});
  EXPECT_EQ(packing.arena_bytes, max_load_bytes(problem));
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

TEST(PackIntervals, SizesNearTheLargestDoNotOverflow) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  const IntervalProblem fits = problem_of({{kHuge, {0, 2}}, {kHuge - 2, {1, 3}}});
  ASSERT_TRUE(has_packable_sizes(fits));
  const Packing packing = pack_intervals(fits, {});
  EXPECT_EQ(packing.arena_bytes, 2 * (kHuge - 1));
  EXPECT_FALSE(find_packing_violation(fits, packing));
  EXPECT_FALSE(has_packable_sizes(problem_of({{kHuge, {0, 1}}, {kHuge, {5, 6}}})));
  EXPECT_FALSE(has_packable_sizes(problem_of({{-1, {0, 1}}})));
}

TEST(PackIntervals, SizesThatCannotBeAddedAreRefused) {
  const IntervalProblem problem =
      problem_of({{int64_t{1} << 62, {0, 1}}, {int64_t{1} << 62, {0, 1}}});
  EXPECT_DEATH(pack_intervals(problem, {}), "too large to be added");
}

TEST(PackIntervals, SmallProblemsArePackedBestPossible) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const IntervalProblem problem = random_problem(random, 7, 6);
    const Packing packing = pack_intervals(problem, {});
    EXPECT_FALSE(find_packing_violation(problem, packing));
    EXPECT_EQ(packing.arena_bytes, optimum_bytes(problem));
  }
}

TEST(PackIntervals, RandomProblemsAreSoundAndNeverWorseThanGreedyOrders) {
  PackingGoal quick;
  quick.max_placements = 0;
  quick.max_search_steps = 0;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const IntervalProblem problem = random_problem(random, 80, 40);
    const Packing packing = pack_intervals(problem, quick);
    EXPECT_FALSE(find_packing_violation(problem, packing));
    EXPECT_GE(packing.arena_bytes, max_load_bytes(problem));
    std::vector<RequestId> order = ids_of(problem);
    std::stable_sort(order.begin(), order.end(), [&](RequestId a, RequestId b) {
      return problem.requests[a].live.begin < problem.requests[b].live.begin;
    });
    EXPECT_LE(packing.arena_bytes, first_fit_bytes(problem, order));
    std::stable_sort(order.begin(), order.end(), [&](RequestId a, RequestId b) {
      return problem.requests[a].size_bytes > problem.requests[b].size_bytes;
    });
    EXPECT_LE(packing.arena_bytes, first_fit_bytes(problem, order));
    EXPECT_LE(pack_intervals(problem, with_search_steps(50'000)).arena_bytes, packing.arena_bytes);
  }
}

TEST(PackIntervals, EqualProblemsHaveEqualPackings) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    const IntervalProblem problem = random_problem(random, 120, 50);
    const PackingGoal goal = with_search_steps(100'000);
    EXPECT_EQ(pack_intervals(problem, goal).offset_bytes,
              pack_intervals(problem, goal).offset_bytes);
  }
}

TEST(PackIntervals, ACapacityIsEnough) {
  std::mt19937 random(7);
  const IntervalProblem problem = random_problem(random, 60, 30);
  const int64_t roomy_bytes = 2 * max_load_bytes(problem);
  PackingGoal goal;
  goal.capacity_bytes = roomy_bytes;
  const Packing packing = pack_intervals(problem, goal);
  EXPECT_LE(packing.arena_bytes, roomy_bytes);
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

TEST(FindPackingViolation, NamesBothIntervalsThatOverlap) {
  const IntervalProblem problem = problem_of({{4, {0, 2}}, {4, {1, 3}}, {4, {2, 4}}});
  Packing packing{IdVector<RequestId, int64_t>(3, 0), 8};
  packing.offset_bytes[RequestId(1)] = 4;
  EXPECT_FALSE(find_packing_violation(problem, packing));
  packing.offset_bytes[RequestId(1)] = 3;
  const auto violation = find_packing_violation(problem, packing);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->first, RequestId(0));
  EXPECT_EQ(violation->second, RequestId(1));
}

TEST(FindPackingViolation, NamesAnIntervalOutsideTheArena) {
  const IntervalProblem problem = problem_of({{4, {0, 2}}});
  for (const int64_t offset_bytes : {-1, 1}) {
    const auto violation =
        find_packing_violation(problem, {IdVector<RequestId, int64_t>(1, offset_bytes), 4});
    ASSERT_TRUE(violation) << offset_bytes;
    EXPECT_EQ(violation->first, violation->second);
  }
}

}  // namespace
}  // namespace graphc
