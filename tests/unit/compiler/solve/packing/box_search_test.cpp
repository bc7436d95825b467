#include "compiler/solve/packing/box_search.h"

#include <gtest/gtest.h>

namespace graphc {
namespace {

BoxSearch box_search_of(const Strip& strip) {
  std::vector<BoxedStrip> first;
  for (const BoxOrder order : {BoxOrder::kStacksFirst, BoxOrder::kRelaysFirst}) {
    first.push_back(join_into_boxes(strip, order));
  }
  return BoxSearch(strip, std::move(first));
}

//   5  +---------------+
//      |      b5       |      one after the other, the stacks of b0, b1, b3 and of b2, b4 are a
//   4  +-------+-------+      relay, on which b5 lies
//      |  b3   |       |
//   3  +-------+  b4   |
//      |  b1   |       |
//   1  +-------+-------+
//      |  b0   |  b2   |
//   0  +-------+-------+
TEST(BoxSearch, FindsThePackingOfTheBlocks) {
  IntervalProblem problem;
  problem.requests.push_back({1, {0, 2}});
  problem.requests.push_back({2, {0, 2}});
  problem.requests.push_back({1, {2, 4}});
  problem.requests.push_back({1, {0, 2}});
  problem.requests.push_back({3, {2, 4}});
  problem.requests.push_back({1, {0, 4}});
  const Strip strip = split_into_strips(problem).front();
  ASSERT_EQ(strip.blocks.size(), 6u);
  BoxSearch search = box_search_of(strip);
  const SearchResult result = search.search(5, 1'000'000);
  ASSERT_EQ(result.end, SearchEnd::kFound);
  EXPECT_EQ(result.packing.height_bytes, 5);
  Packing packing{IdVector<RequestId, int64_t>(6, 0), result.packing.height_bytes};
  for (size_t id = 0; id < 6; ++id) {
    packing.offset_bytes[strip.requests[id]] = result.packing.offset_bytes[id];
  }
  EXPECT_FALSE(find_packing_violation(problem, packing));
}

// Nine bytes are alive at one time, so that eight are too few: but boxes are no proof of that.
TEST(BoxSearch, NeverProvesAnything) {
  IntervalProblem problem;
  for (int i = 0; i < 3; ++i) problem.requests.push_back({3, {0, 2}});
  const Strip strip = split_into_strips(problem).front();
  BoxSearch search = box_search_of(strip);
  EXPECT_EQ(search.search(8, 1'000'000).end, SearchEnd::kOutOfBudget);
  EXPECT_EQ(search.search(9, 1'000'000).end, SearchEnd::kFound);
}

TEST(BoxSearch, WithoutJointsThereIsNothingToSearch) {
  IntervalProblem problem;
  problem.requests.push_back({1, {0, 2}});
  problem.requests.push_back({2, {1, 4}});
  problem.requests.push_back({3, {3, 5}});
  const Strip strip = split_into_strips(problem).front();
  const SearchResult result = box_search_of(strip).search(5, 1'000'000);
  EXPECT_EQ(result.end, SearchEnd::kOutOfBudget);
  EXPECT_EQ(result.num_steps, 0);
}

}  // namespace
}  // namespace graphc
