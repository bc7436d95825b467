// Functions that are computed in vectors, for every kind of vectors that this processor has.
#include "runtime/kernels/cpu/vector_functions.h"

#include <gmock/gmock.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include "float_values.h"

namespace graphrt::cpu {
namespace {

using FunctionOfEach = void (*)(const float* x, float* y, int64_t size);

void gelu_slope_each(const float* x, float* y, int64_t size) {
  const std::vector<float> ones(static_cast<size_t>(size), 1);
  gelu_grad_each(ones.data(), x, y, size);
}

void exp_less_3_each(const float* x, float* y, int64_t size) { exp_less_each(x, 3, y, size); }

/// As many small operands as large ones.
void log_of_exp_each(const float* x, float* y, int64_t size) {
  std::vector<float> powers(static_cast<size_t>(size));
  for (size_t i = 0; i < powers.size(); ++i) powers[i] = std::exp(x[i]);
  log_each(powers.data(), y, size);
}

double probability(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// A function, what it should compute, and how far it may be from that: as a part of the result,
/// or, where that is more, `absolute_error`.
struct FunctionCase {
  std::string name;
  FunctionOfEach each;
  std::function<double(double)> expected;
  double low;
  double high;
  std::function<double(double)> relative_error;
  double absolute_error = 0;
  std::vector<std::pair<float, float>> special = {};
};

std::function<double(double)> at_most(double error) {
  return [error](double /*x*/) { return error; };
}

std::vector<FunctionCase> function_cases() {
  return {
      {"exp",
       exp_each,
       [](double x) { return std::exp(x); },
       -87,
       88.7,
       at_most(2e-7),
       0,
       {{0, 1}, {-0.0F, 1}, {kInf, kInf}, {200, kInf}, {1e30F, kInf}, {-kInf, 0}, {-1e30F, 0}}},
      {"exp_less_3",
       exp_less_3_each,
       [](double x) { return std::exp(static_cast<float>(x) - 3.0F); },
       -84,
       91.7,
       at_most(2e-7),
       0,
       {{3, 1}, {kInf, kInf}, {200, kInf}, {-kInf, 0}, {-1e30F, 0}}},
      {"log",
       log_each,
       [](double x) { return std::log(x); },
       0,
       1e4,
       at_most(5e-7),
       0,
       {{1, 0},
        {0, -kInf},
        {-0.0F, -kInf},
        {-1, kNan},
        {-kInf, kNan},
        {kInf, kInf},
        {1e-40F, -92.1034F}}},
      {"log_of_exp", log_of_exp_each,
       [](double x) { return std::log(static_cast<double>(std::exp(static_cast<float>(x)))); }, -87,
       88, at_most(5e-7)},
      {"tanh",
       tanh_each,
       [](double x) { return std::tanh(x); },
       -20,
       20,
       at_most(5e-7),
       0,
       {{kInf, 1}, {-kInf, -1}, {1e30F, 1}, {-1e30F, -1}, {0, 0}, {1e-30F, 1e-30F}}},
      {"sigmoid",
       sigmoid_each,
       [](double x) { return 1 / (1 + std::exp(-x)); },
       -87,
       87,
       at_most(5e-7),
       0,
       {{0, 0.5F}, {kInf, 1}, {-kInf, 0}, {1e30F, 1}, {-1e30F, 0}}},
      {"gelu",
       gelu_each,
       [](double x) { return x * probability(x); },
       -12,
       40,
       [](double x) { return x < -2 ? 3e-7 * x * x : 1e-6; },
       0,
       {{0, 0}, {kInf, kInf}, {-kInf, -0.0F}, {1e30F, 1e30F}, {-1e30F, -0.0F}}},
      {"gelu_grad",
       gelu_slope_each,
       [](double x) {
         const double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
         return probability(x) + x * density;
       },
       -12,
       12,
       at_most(0),
       5e-7,
       {{0, 0.5F}, {kInf, 1}, {-kInf, 0}, {1e30F, 1}, {-1e30F, 0}}},
  };
}

/// Runs `test` with each kind of vectors that there is, then with the widest again.
void for_each_target(const std::function<void()>& test) {
  int64_t num_targets = 0;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    test();
    ++num_targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  EXPECT_GT(num_targets, 0);
}

class VectorFunctions : public testing::TestWithParam<FunctionCase> {
 protected:
  std::vector<float> computed(const std::vector<float>& x) const {
    std::vector<float> y(x.size(), -7);
    GetParam().each(x.data(), y.data(), std::ssize(x));
    return y;
  }
};

std::vector<float> spread(double low, double high, int64_t count) {
  std::vector<float> x;
  for (int64_t i = 0; i < count; ++i) {
    const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    x.push_back(static_cast<float>(low + (high - low) * share));
  }
  return x;
}

INSTANTIATE_TEST_SUITE_P(All, VectorFunctions, testing::ValuesIn(function_cases()),
                         [](const auto& test) { return test.param.name; });

TEST_P(VectorFunctions, AreAsCloseAsTheySay) {
  const FunctionCase& function = GetParam();
  for_each_target([&] {
    const std::vector<float> x = spread(function.low, function.high, 300'007);
    const std::vector<float> y = computed(x);
    double worst = 0;
    float worst_x = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = function.expected(x[i]);
      const double allowed =
          std::max(function.relative_error(x[i]) * std::abs(expected), function.absolute_error);
      const double error = std::abs(static_cast<double>(y[i]) - expected) / allowed;
      if (error <= worst) continue;
      worst = error;
      worst_x = x[i];
    }
    EXPECT_LE(worst, 1) << "of what is allowed, at " << worst_x;
  });
}

TEST_P(VectorFunctions, KnowInfinitiesAndNans) {
  for_each_target([&] {
    EXPECT_TRUE(std::isnan(computed({kNan}).front()));
    EXPECT_TRUE(std::isnan(computed({-kNan}).front()));
    for (const auto& [x, expected] : GetParam().special) {
      const float y = computed({x}).front();
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(y)) << x;
      } else {
        EXPECT_FLOAT_EQ(y, expected) << x;
        EXPECT_EQ(std::signbit(y), std::signbit(expected)) << x;
      }
    }
  });
}

// Of numbers whose sums f32 does not hold, in rows of any length.
TEST(SumsInVectors, AreThoseOfDoubles) {
  for_each_target([] {
    for (int64_t size = 0; size < 70; ++size) {
      const std::vector<float> x = spread(-1e-3, 5, size);
      std::vector<double> totals(x.size() + 1, 1e9);
      add_each(x.data(), totals.data(), size);
      for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(totals[i], 1e9 + double{x[i]}) << i;
      EXPECT_EQ(totals.back(), 1e9) << "is behind the last one";
    }
  });
}

// What is divided among workers gives the same bits as the whole, in any division.
TEST_P(VectorFunctions, DependOnTheElementAlone) {
  const FunctionCase& function = GetParam();
  for_each_target([&] {
    const std::vector<float> x = spread(function.low, function.high, 131);
    const std::vector<float> whole = computed(x);
    for (size_t begin = 0; begin < x.size(); begin += 7) {
      for (size_t size = 1; begin + size <= x.size(); size += 5) {
        const auto at = x.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto part = computed({at, at + static_cast<std::ptrdiff_t>(size)});
        for (size_t i = 0; i < size; ++i) {
          ASSERT_EQ(std::bit_cast<uint32_t>(part[i]), std::bit_cast<uint32_t>(whole[begin + i]));
        }
      }
    }
  });
}

TEST_P(VectorFunctions, WriteOverTheirOperandAndNothingElse) {
  const FunctionCase& function = GetParam();
  for_each_target([&] {
    for (int64_t size = 0; size < 40; ++size) {
      std::vector<float> x = spread(function.low, function.high, size);
      const std::vector<float> expected = computed(x);
      x.push_back(42);
      function.each(x.data(), x.data(), size);
      EXPECT_EQ(x.back(), 42);
      x.pop_back();
      EXPECT_EQ(x, expected);
    }
  });
}

}  // namespace
}  // namespace graphrt::cpu
