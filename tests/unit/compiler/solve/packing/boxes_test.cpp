#include "compiler/solve/packing/boxes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace graphc {
namespace {

IntervalProblem intervals_of(const std::vector<IntervalRequest>& requests) {
  IntervalProblem problem;
  for (const IntervalRequest& request : requests) problem.requests.push_back(request);
  return problem;
}

/// All on one another, in the order in which they are numbered.
StripPacking pile(const Strip& strip) {
  StripPacking packing;
  for (const Block& block : strip.blocks) {
    packing.offset_bytes.push_back(packing.height_bytes);
    packing.height_bytes += block.size_bytes;
  }
  return packing;
}

Packing by_request(const Strip& strip, const StripPacking& packing) {
  Packing result{IdVector<RequestId, int64_t>(strip.requests.size(), 0), packing.height_bytes};
  for (size_t id = 0; id < strip.requests.size(); ++id) {
    result.offset_bytes[strip.requests[id]] = packing.offset_bytes[id];
  }
  return result;
}

/// A square cut right across, again and again.
void cut_across(const IntervalRequest& whole, int num_cuts, std::mt19937& random,
                std::vector<IntervalRequest>& pieces) {
  const int64_t length = whole.live.end - whole.live.begin;
  const bool across_time = length > whole.size_bytes;
  const auto side = static_cast<uint32_t>(across_time ? length : whole.size_bytes);
  if (num_cuts == 0) {
    pieces.push_back(whole);
    return;
  }
  const auto at = static_cast<int64_t>(side / 4 + random() % (side / 2));
  IntervalRequest first = whole;
  IntervalRequest second = whole;
  if (across_time) {
    first.live.end = second.live.begin = whole.live.begin + at;
  } else {
    first.size_bytes = at;
    second.size_bytes = whole.size_bytes - at;
  }
  cut_across(first, num_cuts - 1, random, pieces);
  cut_across(second, num_cuts - 1, random, pieces);
}

//   6  +---------------+
//      |      b4       |
//   5  +-----------+---+
//      |    b2     |   |      b0 and b1 have one life; b2 then has that of both; b3 takes over from
//   3  +-----------+   |      all three, which are as large as it is; what comes of it has the life
//      |    b1     | b3|      of b4
//   2  +-----------+   |
//      |    b0     |   |
//   0  +-----------+---+
//      0           3   4
TEST(JoinIntoBoxes, WhatFitsWithoutAGapIsOne) {
  const IntervalProblem problem =
      intervals_of({{2, {0, 3}}, {1, {0, 3}}, {2, {0, 3}}, {5, {3, 4}}, {1, {0, 4}}});
  const Strip strip = split_into_strips(problem).front();
  for (const BoxOrder order : {BoxOrder::kStacksFirst, BoxOrder::kRelaysFirst}) {
    const BoxedStrip boxed = join_into_boxes(strip, order);
    ASSERT_EQ(boxed.strip.blocks.size(), 1u);
    EXPECT_EQ(boxed.strip.blocks[0].size_bytes, 6);
    const Packing packing = by_request(strip, unboxed(boxed, pile(boxed.strip), strip));
    EXPECT_EQ(packing.arena_bytes, 6);
    EXPECT_FALSE(find_packing_violation(problem, packing));
  }
}

TEST(JoinIntoBoxes, WhatIsCutRightAcrossIsPutTogetherAgain) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<IntervalRequest> pieces;
    cut_across({int64_t{1} << 28, {0, int64_t{1} << 28}}, 9, random, pieces);
    std::shuffle(pieces.begin(), pieces.end(), random);
    const IntervalProblem problem = intervals_of(pieces);
    const Strip strip = split_into_strips(problem).front();
    const BoxedStrip boxed = join_into_boxes(strip, BoxOrder::kStacksFirst);
    ASSERT_EQ(boxed.strip.blocks.size(), 1u);
    const Packing packing = by_request(strip, unboxed(boxed, pile(boxed.strip), strip));
    EXPECT_EQ(packing.arena_bytes, int64_t{1} << 28);
    EXPECT_FALSE(find_packing_violation(problem, packing));
  }
}

// b0 and b1 end together, b2 and b3 begin there, all of one size: the long ones take turns and the
// short ones do, so that the one box lies within the time of the other.
TEST(JoinIntoBoxes, ShortLivesAreContinuedByShortOnes) {
  const IntervalProblem problem = intervals_of({{1, {0, 6}},
                                                {1, {4, 6}},
                                                {1, {6, 8}},
                                                {1, {6, 12}},
                                                {7, {0, 12}},
                                                {9, {0, 3}},
                                                {11, {9, 12}}});
  const Strip strip = split_into_strips(problem).front();
  const BoxedStrip boxed = join_into_boxes(strip, BoxOrder::kRelaysFirst);
  ASSERT_GE(boxed.joints.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    const Block& first = strip.blocks[to_index(boxed.joints[i].first)];
    const Block& second = strip.blocks[to_index(boxed.joints[i].second)];
    EXPECT_FALSE(boxed.joints[i].is_stack);
    EXPECT_EQ(first.begin == 0, second.end == strip.num_sections);
  }
}

TEST(JoinIntoBoxes, OrdersDifferWhereThereIsAChoice) {
  // b0 and b1 have one life, but only b1 is of the size of b2.
  const IntervalProblem problem =
      intervals_of({{2, {0, 2}}, {3, {0, 2}}, {3, {2, 4}}, {1, {1, 3}}});
  const Strip strip = split_into_strips(problem).front();
  EXPECT_TRUE(join_into_boxes(strip, BoxOrder::kStacksFirst).joints.front().is_stack);
  EXPECT_FALSE(join_into_boxes(strip, BoxOrder::kRelaysFirst).joints.front().is_stack);
}

TEST(JoinAtRandom, EqualSeedsHaveEqualBoxesAndOthersDiffer) {
  IntervalProblem problem;
  std::mt19937 random(1);
  for (int i = 0; i < 100; ++i) {
    const auto begin = static_cast<int64_t>(random() % 6);
    problem.requests.push_back({1 + static_cast<int64_t>(random() % 3), {begin, begin + 3}});
  }
  const Strip strip = split_into_strips(problem).front();
  const BoxedStrip first = join_at_random(strip, 1);
  EXPECT_EQ(join_at_random(strip, 1).nodes, first.nodes);
  EXPECT_NE(join_at_random(strip, 2).nodes, first.nodes);
}

TEST(JoinIntoBoxes, PackingsOfBoxesArePackingsOfBlocks) {
  size_t num_joints = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<IntervalRequest> requests(1 + random() % 30);
    for (IntervalRequest& request : requests) {
      request.size_bytes = 1 + static_cast<int64_t>(random() % 3);
      request.live.begin = static_cast<int64_t>(random() % 6);
      request.live.end = request.live.begin + 1 + static_cast<int64_t>(random() % 3);
    }
    const IntervalProblem problem = intervals_of(requests);
    for (const Strip& strip : split_into_strips(problem)) {
      for (const BoxedStrip& boxed :
           {join_into_boxes(strip, BoxOrder::kStacksFirst),
            join_into_boxes(strip, BoxOrder::kRelaysFirst), join_at_random(strip, seed)}) {
        num_joints += boxed.joints.size();
        EXPECT_EQ(boxed.strip.blocks.size() + boxed.joints.size(), strip.blocks.size());
        EXPECT_EQ(boxed.strip.max_load_bytes, strip.max_load_bytes);
        const StripPacking packing = unboxed(boxed, pile(boxed.strip), strip);
        Packing in_strip{{}, packing.height_bytes};
        IntervalProblem blocks;
        for (size_t id = 0; id < strip.blocks.size(); ++id) {
          const Block& block = strip.blocks[id];
          blocks.requests.push_back({block.size_bytes, {block.begin, block.end}});
          in_strip.offset_bytes.push_back(packing.offset_bytes[id]);
        }
        EXPECT_FALSE(find_packing_violation(blocks, in_strip));
      }
    }
  }
  EXPECT_GT(num_joints, 1000u);
}

}  // namespace
}  // namespace graphc
