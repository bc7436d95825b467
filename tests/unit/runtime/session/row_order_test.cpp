#include "runtime/session/row_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace graphrt {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> numbers_of(const RowPermutation& permutation, int64_t size) {
  std::vector<int64_t> numbers;
  for (int64_t place = 0; place < size; ++place) numbers.push_back(permutation(place));
  return numbers;
}

std::vector<int64_t> shuffled(uint64_t seed, uint64_t epoch, int64_t size) {
  return numbers_of(RowPermutation(seed, epoch, size), size);
}

TEST(RowPermutation, HasEveryNumberOnceForEverySize) {
  for (const int64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 31, 63, 64, 65, 100, 297, 1000, 1500, 4097}) {
    for (uint64_t epoch = 0; epoch < 4; ++epoch) {
      std::vector<int64_t> numbers = shuffled(11, epoch, size);
      std::sort(numbers.begin(), numbers.end());
      std::vector<int64_t> expected(static_cast<size_t>(size));
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(numbers, expected) << size << " rows, epoch " << epoch;
    }
  }
}

TEST(RowPermutation, IsAnotherOneForAnotherEpochOrSeed) {
  EXPECT_EQ(shuffled(3, 5, 100), shuffled(3, 5, 100));
  EXPECT_NE(shuffled(3, 5, 100), shuffled(3, 6, 100));
  EXPECT_NE(shuffled(3, 5, 100), shuffled(4, 5, 100));
  // All 64 bits count.
  EXPECT_NE(shuffled(3, 5, 100), shuffled(3 + (uint64_t{1} << 40), 5, 100));
  EXPECT_NE(shuffled(3, 5, 100), shuffled(3, 5 + (uint64_t{1} << 40), 100));
}

// Checkpoints of today are resumed tomorrow, and elsewhere: these numbers stay.
TEST(RowPermutation, IsTheSameOnEveryMachineForEver) {
  EXPECT_THAT(shuffled(0, 0, 10), ElementsAre(0, 2, 1, 4, 5, 8, 7, 3, 6, 9));
  EXPECT_THAT(shuffled(7, 1, 5), ElementsAre(1, 3, 0, 4, 2));
}

// Each of 7 rows should stand at each of 7 places in one of 7 epochs. Of 7000, that is 1000 with a
// standard deviation of sqrt(7000 * 1/7 * 6/7) = 29; six of them are never left by chance.
TEST(RowPermutation, PutsEveryRowAtEveryPlaceEquallyOften) {
  constexpr int64_t kSize = 7;
  constexpr uint64_t kEpochs = 7000;
  std::vector<int64_t> counts(kSize * kSize);
  for (uint64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<int64_t> numbers = shuffled(1, epoch, kSize);
    for (int64_t place = 0; place < kSize; ++place) {
      ++counts[static_cast<size_t>(place * kSize + numbers[static_cast<size_t>(place)])];
    }
  }
  for (const int64_t count : counts) EXPECT_NEAR(static_cast<double>(count), 1000, 6 * 29);
}

// In a random order of n rows, two neighbours stay neighbours (in either direction) about twice in
// all; a shift or a mirror image would keep nearly all.
TEST(RowPermutation, TearsNeighboursApart) {
  constexpr int64_t kSize = 1500;
  for (uint64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<int64_t> numbers = shuffled(2, epoch, kSize);
    int64_t num_kept = 0;
    for (size_t i = 1; i < numbers.size(); ++i) {
      if (std::abs(numbers[i] - numbers[i - 1]) == 1) ++num_kept;
    }
    EXPECT_LT(num_kept, 15) << "epoch " << epoch;
  }
}

TEST(RowPermutation, TakesMoreRowsThan32BitsCount) {
  constexpr int64_t kSize = (int64_t{1} << 41) + 3;
  const RowPermutation permutation(1, 1, kSize);
  std::vector<int64_t> numbers = numbers_of(permutation, 1000);
  EXPECT_GT(*std::max_element(numbers.begin(), numbers.end()), int64_t{1} << 40);
  EXPECT_GE(*std::min_element(numbers.begin(), numbers.end()), 0);
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(std::adjacent_find(numbers.begin(), numbers.end()), numbers.end());
}

// 5 rows, batches of 3: steps start at 0, 3, 6, 9, 12, 15 of the endless sequence.
TEST(PositionOfStep, CountsEpochsInRows) {
  const auto position = [](int64_t step) {
    const RowPosition at = position_of_step(step, 3, 5);
    return std::pair(at.epoch, at.place);
  };
  EXPECT_EQ(position(0), std::pair(uint64_t{0}, int64_t{0}));
  EXPECT_EQ(position(1), std::pair(uint64_t{0}, int64_t{3}));
  EXPECT_EQ(position(2), std::pair(uint64_t{1}, int64_t{1}));
  EXPECT_EQ(position(4), std::pair(uint64_t{2}, int64_t{2}));
  EXPECT_EQ(position(5), std::pair(uint64_t{3}, int64_t{0}));
}

TEST(PositionOfStep, StaysRightWhereStepTimesBatchWouldOverflow) {
  const int64_t step = INT64_MAX / 5 * 5 + 1;  // 3 rows after a multiple of 5
  EXPECT_EQ(position_of_step(step, 3, 5).place, 3);
  EXPECT_EQ(position_of_step(step, 3, 5).epoch, uint64_t{INT64_MAX / 5} * 3);
}

}  // namespace
}  // namespace graphrt
