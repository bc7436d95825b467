// What dropout promises about its bits.
#include <algorithm>

#include "dice.h"
#include "layer_cases.h"

namespace graphrt {
namespace {

constexpr int64_t kNumDropped = 100'000;

Tensor ones(int64_t size) {
  return tensor_of<float>({size}, std::vector<float>(static_cast<size_t>(size), 1));
}

Tensor step_number(int32_t step) { return tensor_of<int32_t>({}, {step}); }

Attributes dropout_attributes(double rate, int64_t seed, int64_t first = 0) {
  return with({{"rate", rate}, {"seed", seed}, {"first", first}});
}

double kept_share(double rate, int64_t seed, int32_t step) {
  const Tensor y =
      run_cpu("dropout", {ones(kNumDropped), step_number(step)}, dropout_attributes(rate, seed));
  const auto is_kept = [](float x) { return x != 0; };
  const auto elements = y.as<float>();
  return static_cast<double>(std::count_if(elements.begin(), elements.end(), is_kept)) /
         kNumDropped;
}

// The deviation of a share of 100 000 is sqrt(p (1 - p) / 100 000), at most 0.0016.
TEST(Dropout, KeepsTheShareThatItsRateLeaves) {
  for (const double rate : {0.0, 0.1, 0.5, 0.9}) {
    for (int32_t step = 0; step < 5; ++step) {
      EXPECT_NEAR(kept_share(rate, 3, step), 1 - rate, 0.008) << rate;
    }
  }
}

TEST(Dropout, GivesTheBitsOfTheReference) {
  Dice dice(20241124);
  for (int i = 0; i < 100; ++i) {
    const OperatorUse use = dropout_use(dice);
    ASSERT_EQ(run_cpu("dropout", use.inputs, use.attributes).data,
              run_reference("dropout", use.inputs, use.attributes).data)
        << i;
  }
}

TEST(Dropout, OfAPartIsThatPartOfTheWhole) {
  const Tensor whole = run_cpu("dropout", {ones(100), step_number(5)}, dropout_attributes(0.4, 8));
  for (const int64_t first : {1, 4, 30, 63}) {
    for (const int64_t size : {1, 3, 4, 37}) {
      const Tensor part =
          run_cpu("dropout", {ones(size), step_number(5)}, dropout_attributes(0.4, 8, first));
      EXPECT_TRUE(std::ranges::equal(
          part.as<float>(),
          whole.as<float>().subspan(static_cast<size_t>(first), static_cast<size_t>(size))))
          << first << " " << size;
    }
  }
}

// Two masks of independent halves agree in half of their elements, within 5 deviations of 0.0016.
TEST(Dropout, DrawsAnewForEveryStepAndSeed) {
  const auto mask = [](int64_t seed, int32_t step) {
    return run_cpu("dropout", {ones(kNumDropped), step_number(step)},
                   dropout_attributes(0.5, seed));
  };
  const Tensor first = mask(1, 0);
  for (const Tensor& other : {mask(1, 1), mask(2, 0), mask(int64_t{1} << 40, 0)}) {
    int64_t num_equal = 0;
    for (size_t i = 0; i < first.as<float>().size(); ++i) {
      num_equal += first.as<float>()[i] == other.as<float>()[i] ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(num_equal) / kNumDropped, 0.5, 0.008);
  }
}

}  // namespace
}  // namespace graphrt
