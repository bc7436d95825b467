#include "runtime/base/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace graphrt {
namespace {

TEST(RandomStream, DependsOnSeedNameAndIndex) {
  const RandomStream stream(1, "w1");
  EXPECT_EQ(stream.uniform(5), RandomStream(1, "w1").uniform(5));
  EXPECT_NE(stream.uniform(5), stream.uniform(6));
  EXPECT_NE(stream.uniform(5), RandomStream(2, "w1").uniform(5));
  EXPECT_NE(stream.uniform(5), RandomStream(1, "w2").uniform(5));
  // The upper half of the seed and of the index count too.
  EXPECT_NE(stream.uniform(5), RandomStream(1 + (uint64_t{1} << 32), "w1").uniform(5));
  EXPECT_NE(stream.uniform(5), stream.uniform(5 + (uint64_t{1} << 32)));
}

// With 100 000 numbers the mean of the uniform ones has a deviation of 0.0009, that of the normal
// ones 0.003: five deviations are allowed.
TEST(RandomStream, HasTheMomentsOfItsDistributions) {
  constexpr uint64_t kCount = 100'000;
  const RandomStream stream(42, "moments");
  double uniform_sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    const double uniform = stream.uniform(i);
    const double normal = stream.normal(i);
    ASSERT_GE(uniform, 0);
    ASSERT_LT(uniform, 1);
    ASSERT_TRUE(std::isfinite(normal));
    uniform_sum += uniform;
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  EXPECT_NEAR(uniform_sum / kCount, 0.5, 0.0046);
  EXPECT_NEAR(normal_sum / kCount, 0, 0.016);
  EXPECT_NEAR(normal_squares / kCount, 1, 0.023);
}

}  // namespace
}  // namespace graphrt
