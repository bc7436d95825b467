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

//   4  +-------+-------+
//      |  b3   |       |      b0 and b1 have one life, but are no stack: b2 lies on b0 where b3
//   3  +---+---+  b4   |      lies on b1 ...
//      |   b1  |       |
//   1  +-------+-------+
//      |  b0   |  b2   |
//   0  +-------+-------+
TEST(BoxSearch, FindsWhatBoxesAllow) {
  IntervalProblem problem;
  problem.requests.push_back({1, {0, 2}});
  problem.requests.push_back({2, {0, 2}});
  problem.requests.push_back({1, {2, 4}});
  problem.requests.push_back({1, {0, 2}});
  problem.requests.push_back({3, {2, 4}});
  const Strip strip = split_into_strips(problem).front();
  BoxSearch search = box_search_of(strip);
  const SearchResult result = search.search(4, 1'000'000);
  ASSERT_EQ(result.end, SearchEnd::kFound);
  EXPECT_EQ(result.packing.height_bytes, 4);
}

// The three that begin together are of one size with the three that end there: which takes over
// from which is open, and most ways leave a packing of the boxes that is too high.
TEST(BoxSearch, NeverProvesAnything) {
  IntervalProblem problem;
  problem.requests.push_back({3, {0, 2}});
  problem.requests.push_back({3, {0, 2}});
  problem.requests.push_back({3, {1, 3}});
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
