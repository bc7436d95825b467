#include "compiler/search/rows_by_speed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace graphc {
namespace {

using Rows = std::vector<int64_t>;

TEST(RowsBySpeed, EqualDevicesGetEqualPartsAndTheFirstTheRest) {
  EXPECT_EQ(rows_by_speed(100, {7, 7}), (Rows{50, 50}));
  EXPECT_EQ(rows_by_speed(100, {1, 1, 1}), (Rows{34, 33, 33}));
}

TEST(RowsBySpeed, TwiceAsFastIsTwiceAsMany) {
  EXPECT_EQ(rows_by_speed(90, {2, 4}), (Rows{60, 30}));
}

// A percent of speed is less than the rows of a tile.
TEST(RowsBySpeed, PartsOfLargeBatchesAreTiles) {
  EXPECT_EQ(rows_by_speed(4096, {1.0, 1.01}), (Rows{2048, 2048}));
  EXPECT_EQ(rows_by_speed(4096, {1.0, 1.5}), (Rows{2432, 1664}));
  EXPECT_EQ(rows_by_speed(4000, {1.0, 1.0}), (Rows{2000, 2000}));
}

TEST(RowsBySpeed, EveryPartHasARow) {
  EXPECT_EQ(rows_by_speed(10, {1, 1e9}), (Rows{9, 1}));
  EXPECT_EQ(rows_by_speed(3, {1e9, 1, 1e9}), (Rows{1, 1, 1}));
}

TEST(RowsBySpeed, RandomPartsAddUpAndAreNearTheirShare) {
  std::minstd_rand random(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<double> times(1 + random() % 8);
    for (double& time : times) time = 1 + static_cast<double>(random() % 100);
    const auto num_rows = static_cast<int64_t>(times.size() + random() % 1000);
    const Rows rows = rows_by_speed(num_rows, times);
    ASSERT_EQ(std::accumulate(rows.begin(), rows.end(), int64_t{0}), num_rows);
    double speed = 0;
    for (const double time : times) speed += 1 / time;
    for (size_t part = 0; part < times.size(); ++part) {
      const double share = static_cast<double>(num_rows) / times[part] / speed;
      ASSERT_GE(rows[part], 1);
      // Parts raised to one row take theirs from the others; a piece is at most an eighth of the
      // smallest part.
      ASSERT_NEAR(static_cast<double>(rows[part]), share,
                  std::max(share / 8, 1.0 + static_cast<double>(times.size())));
    }
  }
}

}  // namespace
}  // namespace graphc
