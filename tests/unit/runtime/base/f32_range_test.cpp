#include "runtime/base/f32_range.h"

#include <gtest/gtest.h>

#include <limits>

namespace graphrt {
namespace {

TEST(F32Range, HoldsWhatIsRoundedToAFloat) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  constexpr double kTiny = std::numeric_limits<float>::denorm_min();
  for (const double number :
       {0.0, -0.0, 1.0, 0.1, kLargest, -kLargest, 3.4028235e38, kTiny, -kTiny, 0.6 * kTiny}) {
    EXPECT_EQ(find_misfit_of_f32(number), std::nullopt) << number;
  }
}

TEST(F32Range, SaysWhatWouldBeAnInfinityOrZero) {
  for (const double number : {1e39, -1e39, 3.4029e38, std::numeric_limits<double>::infinity(),
                              std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(find_misfit_of_f32(number), "too large for f32") << number;
  }
  for (const double number : {1e-50, -1e-50, 1e-300, 5e-46}) {
    EXPECT_EQ(find_misfit_of_f32(number), "too close to 0 for f32") << number;
  }
}

}  // namespace
}  // namespace graphrt
