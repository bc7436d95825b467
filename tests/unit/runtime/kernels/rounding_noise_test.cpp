#include "runtime/kernels/reference/rounding_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace graphrt {
namespace {

constexpr double kRelative = 0x1p-10;

Tensor disturbed(Tensor tensor, NoiseStream stream) {
  disturb(tensor, kRelative, stream);
  return tensor;
}

TEST(RoundingNoise, MovesEveryFloatByNoMoreThanItSays) {
  constexpr int64_t kNumElements = 1000;
  const Tensor before = tensor_of<float>({kNumElements}, std::vector<float>(kNumElements, 3));
  const Tensor after = disturbed(before, {});
  double sum = 0;
  double largest = 0;
  for (const float element : after.as<float>()) {
    const double moved = (static_cast<double>(element) - 3) / 3;
    sum += moved;
    largest = std::max(largest, std::fabs(moved));
  }
  EXPECT_LE(largest, kRelative * (1 + 1e-3));
  EXPECT_GE(largest, kRelative * 0.9);
  EXPECT_LE(std::fabs(sum) / kNumElements, kRelative / 10) << "up as often as down";
}

TEST(RoundingNoise, IsTheSameInTheSamePlaceAndAnotherInOthers) {
  const Tensor before = tensor_of<float>({4}, {1, 1, 1, 1});
  const Tensor after = disturbed(before, {.seed = 1, .step = 2, .node = 7});
  EXPECT_EQ(after, disturbed(before, {.seed = 1, .step = 2, .node = 7}));
  EXPECT_NE(after, disturbed(before, {.seed = 1, .step = 3, .node = 7}));
  EXPECT_NE(after, disturbed(before, {.seed = 1, .step = 2, .node = 8}));
  EXPECT_NE(after, disturbed(before, {.seed = 2, .step = 2, .node = 7}));
}

// Of 1000 and -1000, 0 is left, and what was rounded of them.
TEST(RoundingNoise, OfASumIsAShareOfItsTerms) {
  constexpr int64_t kNumElements = 1000;
  Tensor sums = zeros({ElementType::kF32, {kNumElements}});
  const Tensor terms = tensor_of<float>({kNumElements}, std::vector<float>(kNumElements, 2000));
  disturb_sums(sums, terms, kRelative, {});
  const auto [least, most] = std::ranges::minmax(sums.as<float>());
  EXPECT_NEAR(least, -2000 * kRelative, 200 * kRelative);
  EXPECT_NEAR(most, 2000 * kRelative, 200 * kRelative);
}

TEST(RoundingNoise, LeavesWhatIsExact) {
  const Tensor integers = tensor_of<int32_t>({2}, {1'000'000, -7});
  EXPECT_EQ(disturbed(integers, {}), integers);
  const Tensor special = disturbed(tensor_of<float>({3}, {0, INFINITY, NAN}), {});
  EXPECT_EQ(special.as<float>()[0], 0);
  EXPECT_EQ(special.as<float>()[1], INFINITY);
  EXPECT_TRUE(std::isnan(special.as<float>()[2]));
}

}  // namespace
}  // namespace graphrt
