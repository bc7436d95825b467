#include "compiler/solve/packing/least_offsets.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "compiler/solve/packing/canonical_search.h"

namespace graphc {
namespace {

Strip strip_of(const std::vector<IntervalRequest>& requests) {
  IntervalProblem problem;
  for (const IntervalRequest& request : requests) problem.requests.push_back(request);
  return split_into_strips(problem).front();
}

std::vector<int32_t> all_of(const Strip& strip) {
  std::vector<int32_t> ids(strip.blocks.size());
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

//   3  +----+----+
//      |    b0   |      b1 lies below b0 in the one section and b2 in the other; once b1 does, b2
//   1  +----+----+      cannot lie above b0 any more, unless there is room for that
//      | b1 | b2 |
//   0  +----+----+
TEST(LeastOffsets, WhatIsPassedOverNeedsRoomAbove) {
  const Strip strip = strip_of({{2, {0, 4}}, {1, {0, 2}}, {1, {2, 4}}});
  for (const int64_t capacity_bytes : {3, 4}) {
    LeastOffsets state(strip);
    state.start(capacity_bytes);
    const size_t before = state.num_changes();
    ASSERT_TRUE(state.place(1, all_of(strip), {0, 2}));
    EXPECT_EQ(state.drop_bytes(0), 1);
    EXPECT_EQ(state.pass(2), capacity_bytes == 4);
    state.undo_to(before);
    EXPECT_TRUE(state.is_open(1));
    EXPECT_EQ(state.drop_bytes(0), 0);
    EXPECT_FALSE(state.is_passed(2));
    EXPECT_TRUE(state.pass(2));
    EXPECT_TRUE(state.is_passed(2));
  }
}

TEST(LeastOffsets, WhatHasNothingToLieOnCannotBePassedOver) {
  const Strip strip = strip_of({{2, {0, 1}}});
  LeastOffsets state(strip);
  state.start(100);
  EXPECT_FALSE(state.pass(0));
}

TEST(LeastOffsets, WallsAreWhatIsHigher) {
  const Strip strip = strip_of({{2, {0, 2}}, {1, {2, 4}}, {1, {4, 6}}, {9, {0, 6}}});
  const auto id_of = [&](int32_t begin, int64_t size_bytes) {
    for (int32_t id = 0; to_index(id) < strip.blocks.size(); ++id) {
      const Block& block = strip.blocks[to_index(id)];
      if (block.begin == begin && block.size_bytes == size_bytes) return id;
    }
    return -1;
  };
  LeastOffsets state(strip);
  state.start(100);
  const int32_t left = id_of(0, 2);
  const int32_t middle = id_of(1, 1);
  const int32_t right = id_of(2, 1);
  EXPECT_EQ(state.num_walls(middle, {0, 3}), 0);
  EXPECT_EQ(state.num_walls(right, {0, 3}), 1);
  ASSERT_TRUE(state.place(left, all_of(strip), {0, 3}));
  EXPECT_EQ(state.num_walls(middle, {0, 3}), 1);
  EXPECT_EQ(state.twins(left).size(), 0u);
}

// Along the way to a packing, from the bottom to the top, no rule says that it is impossible.
TEST(LeastOffsets, NoWayToAPackingIsCutOff) {
  int num_passed = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<IntervalRequest> requests(1 + random() % 25);
    for (IntervalRequest& request : requests) {
      request.size_bytes = 1 + static_cast<int64_t>(random() % 9);
      request.live.begin = static_cast<int64_t>(random() % 12);
      request.live.end = request.live.begin + 1 + static_cast<int64_t>(random() % 8);
    }
    const Strip strip = strip_of(requests);
    const SearchResult goal = search_canonical(strip, strip.max_load_bytes + 1, 1'000'000);
    if (goal.end != SearchEnd::kFound) continue;
    LeastOffsets state(strip);
    state.start(goal.packing.height_bytes);
    for (size_t num_placed = 0; num_placed < strip.blocks.size();) {
      int32_t lowest = -1;
      for (const int32_t id : all_of(strip)) {
        if (!state.is_open(id) || state.is_passed(id)) continue;
        if (lowest < 0 || state.drop_bytes(id) < state.drop_bytes(lowest)) lowest = id;
      }
      ASSERT_GE(lowest, 0);
      if (goal.packing.offset_bytes[to_index(lowest)] == state.drop_bytes(lowest)) {
        ASSERT_TRUE(state.place(lowest, all_of(strip), {0, strip.num_sections}));
        ++num_placed;
      } else {
        ASSERT_TRUE(state.pass(lowest));
        ++num_passed;
      }
    }
  }
  EXPECT_GT(num_passed, 300);
}

}  // namespace
}  // namespace graphc
