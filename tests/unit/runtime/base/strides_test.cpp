#include "runtime/base/strides.h"

#include <gmock/gmock.h>

namespace graphrt {

bool operator==(const StridedDim& a, const StridedDim& b) {
  return a.size == b.size && a.strides == b.strides;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

StridedDim loop(int64_t size, int64_t first, int64_t second, int64_t third = 0) {
  return {size, {first, second, third}};
}

TEST(Collapse, JoinsLoopsThatGoOnWhereTheInnerOneEnds) {
  EXPECT_THAT(collapse({loop(2, 12, 12), loop(3, 4, 4), loop(4, 1, 1)}),
              ElementsAre(loop(24, 1, 1)));
  EXPECT_THAT(collapse({loop(2, 12, 0), loop(3, 4, 4), loop(4, 1, 1)}),
              ElementsAre(loop(2, 12, 0), loop(12, 1, 1)));
}

TEST(Collapse, DropsLoopsOfOneTurnAndKeepsOneLoop) {
  EXPECT_THAT(collapse({loop(1, 7, 7), loop(5, 1, 1), loop(1, 9, 9)}), ElementsAre(loop(5, 1, 1)));
  EXPECT_THAT(collapse({}), ElementsAre(loop(1, 0, 0)));
}

TEST(BroadcastLoops, StandStillWhereAnOperandIsStretched) {
  EXPECT_THAT(broadcast_loops({2, 3, 4}, {3, 1}, {2, 3, 4}),
              ElementsAre(loop(2, 12, 0, 12), loop(3, 4, 1, 4), loop(4, 1, 0, 1)));
  EXPECT_THAT(broadcast_loops({2, 3}, {2, 3}, {2, 3}), ElementsAre(loop(6, 1, 1, 1)));
}

// [2, 3, 4] becomes [4, 2, 3]: axes 0 and 1 stay neighbours and are one loop.
TEST(TransposeLoops, FollowTheResult) {
  EXPECT_THAT(transpose_loops({2, 3, 4}, {4, 2, 3}, {-1, 0, 1}),
              ElementsAre(loop(4, 1, 6), loop(6, 4, 1)));
  EXPECT_THAT(transpose_loops({2, 3}, {3, 2}, {}), ElementsAre(loop(3, 1, 2), loop(2, 3, 1)));
}

TEST(ReductionLoops, AreKeptOrReduced) {
  const ReductionLoops loops = reduction_loops({2, 3, 4, 5}, {1, 2});
  EXPECT_THAT(loops.kept, ElementsAre(loop(2, 60, 5), loop(5, 1, 1)));
  EXPECT_THAT(loops.reduced, ElementsAre(loop(12, 5, 0)));
  EXPECT_THAT(reduction_loops({2, 3}, {0, 1}).kept, IsEmpty());
}

TEST(SplitAt, CountsNegativeAxesFromTheEnd) {
  const AxisSplit split = split_at({2, 3, 4, 5}, -2);
  EXPECT_EQ(split.outer, 6);
  EXPECT_EQ(split.size, 4);
  EXPECT_EQ(split.inner, 5);
}

}  // namespace
}  // namespace graphrt
