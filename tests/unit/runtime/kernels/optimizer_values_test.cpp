// What optimizers do, step by step, against the formulas in NumPy's double precision.
#include "expected_values.h"

namespace graphrt {
namespace {

class OptimizerValues : public ExpectedValues {
 protected:
  static inline const std::vector<Tensor> kGradients = {
      f32({3}, {0.1F, -0.2F, 0.3F}), f32({3}, {0.4F, 0, -0.1F}), f32({3}, {-0.2F, 0.3F, 0.25F})};
  static inline const Tensor kWeights = f32({3}, {1, -2, 0.5F});
};
INSTANTIATE_TEST_SUITE_P(BackEnds, OptimizerValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

TEST_P(OptimizerValues, SgdTakesItsRateFromAnAttributeOrAnOperand) {
  const Tensor w = f32({2}, {1, 2});
  const Tensor g = f32({2}, {10, -10});
  expect("sgd_update", {w, g}, f32({2}, {0, 3}), with({{"learning_rate", 0.1}}));
  expect("sgd_update", {w, g, f32({}, {0.1F})}, f32({2}, {0, 3}));
  // 10 + 5 * 1 and -10 + 5 * 2, a tenth of which is taken off.
  expect("sgd_update", {w, g}, f32({2}, {-0.5F, 2}),
         with({{"learning_rate", 0.1}, {"weight_decay", 5.0}}));
  expect("sgd_update", {w, g, f32({}, {0.1F})}, f32({2}, {-0.5F, 2}),
         with({{"weight_decay", 5.0}}));
}

// Half of 10 and -10, to which the decay is added.
TEST_P(OptimizerValues, AFactorScalesTheGradientAlone) {
  const Tensor w = f32({2}, {1, 2});
  const Tensor g = f32({2}, {10, -10});
  const Tensor half = f32({}, {0.5F});
  expect("sgd_update", {w, g, half}, f32({2}, {0, 1.5F}),
         with({{"learning_rate", 0.1}, {"scaled", true}, {"weight_decay", 5.0}}));
  expect("sgd_update", {w, g, f32({}, {0.1F}), half}, f32({2}, {0.5F, 2.5F}),
         with({{"scaled", true}}));
  const Tensor v = f32({2}, {4, 8});
  expect("momentum_update", {v, g, half}, f32({2}, {7, -1}),
         with({{"momentum", 0.5}, {"scaled", true}}));
  expect("momentum_update", {v, g, w}, f32({2}, {17, 4}),
         with({{"momentum", 0.5}, {"weight_decay", 5.0}}));
  expect("momentum_update", {v, g, w, half}, f32({2}, {12, 9}),
         with({{"momentum", 0.5}, {"scaled", true}, {"weight_decay", 5.0}}));
  expect("moving_average", {v, g, half}, f32({2}, {4.25F, 4.75F}),
         with({{"decay", 0.75}, {"scaled", true}}));
  expect("moving_average_of_squares", {v, g, half}, f32({2}, {9.25F, 12.25F}),
         with({{"decay", 0.75}, {"scaled", true}}));
}

// Whatever the gradient is; the bits of a state that is a NaN, too.
TEST_P(OptimizerValues, ASkippedStepChangesNothing) {
  const Tensor w = f32({2}, {1, 2});
  const Tensor g = f32({2}, {kInf, kNan});
  const Tensor skip = f32({}, {kNan});
  for (const bool is_scaled : {true, false}) {
    const auto attributes = [&](const char* name, double number) {
      return with({{name, number}, {"skips", true}, {"scaled", is_scaled}});
    };
    expect("sgd_update", {w, g, skip}, w, attributes("learning_rate", 0.1));
    expect("momentum_update", {w, g, skip}, w, attributes("momentum", 0.5));
    expect("moving_average", {w, g, skip}, w, attributes("decay", 0.75));
    expect("moving_average_of_squares", {w, g, skip}, w, attributes("decay", 0.75));
  }
  expect("adam_update", {w, g, g, i32({}, {-1})}, w, with({{"learning_rate", 0.1}}));
  expect("adam_step", {w, w, w, g, i32({}, {-1}), skip}, w,
         with({{"learning_rate", 0.1}, {"skips", true}}));
  // A number skips nothing, and multiplies the gradient only where it is asked to.
  expect("sgd_update", {w, f32({2}, {10, -10}), f32({}, {0.5F})}, f32({2}, {0, 3}),
         with({{"learning_rate", 0.1}, {"skips", true}}));
}

TEST_P(OptimizerValues, GradientsOfAScaledLossAreUnscaled) {
  const Tensor scale = f32({}, {1024});
  expect("unscale_factor", {f32({}, {3}), scale}, f32({}, {0x1p-10F}));
  // A norm of 4096 is 4 without the scale: half of that is left.
  const Attributes most = with({{"max_norm", 2.0}});
  expect("unscale_factor", {f32({}, {4096}), scale}, f32({}, {0x1p-11F}), most);
  expect("unscale_factor", {f32({}, {2048}), scale}, f32({}, {0x1p-10F}), most);
  for (const float norm : {kInf, -kInf, kNan}) {
    expect("unscale_factor", {f32({}, {norm}), scale}, f32({}, {kNan}), most);
  }
  expect("unscale_factor", {f32({}, {3}), f32({}, {-1024})}, f32({}, {kNan}));
}

// What PyTorch's GradScaler does, and an end of it.
TEST_P(OptimizerValues, ALossScaleGrowsAfterGoodStepsAndShrinksAfterASkippedOne) {
  const Tensor good = f32({}, {0.5F});
  const Tensor skip = f32({}, {kNan});
  const Attributes rule = with({{"every", int64_t{3}}, {"growth", 4.0}, {"backoff", 0.25}});
  const Attributes every = with({{"every", int64_t{3}}});
  const auto after = [&](float scale, int32_t streak, const Tensor& factor) {
    const std::vector<Tensor> count = {i32({}, {streak}), factor};
    return std::pair(
        run("loss_scale_update", {f32({}, {scale}), count[0], factor}, rule).as<float>()[0],
        run("streak_update", count, every).as<int32_t>()[0]);
  };
  EXPECT_EQ(after(8, 0, good), std::pair(8.0F, 1));
  EXPECT_EQ(after(8, 2, good), std::pair(32.0F, 0));
  EXPECT_EQ(after(8, 2, skip), std::pair(2.0F, -1));
  EXPECT_EQ(after(8, -1, skip), std::pair(2.0F, -2));
  EXPECT_EQ(after(8, -2, good), std::pair(8.0F, 1));
  // The twentieth in a row ends it: nothing changes any more.
  EXPECT_EQ(after(8, -18, skip), std::pair(2.0F, -19));
  EXPECT_EQ(after(8, -19, skip), std::pair(-8.0F, -20));
  EXPECT_EQ(after(-8, -20, skip), std::pair(-8.0F, -21));
  // f32 has no larger ones, and none that are smaller and normal.
  EXPECT_EQ(after(0x1p126F, 2, good).first, 0x1p126F);
  EXPECT_EQ(after(0x1p-126F, 0, skip).first, 0x1p-126F);
  expect("count_step", {i32({}, {7}), good}, i32({}, {8}));
  expect("count_step", {i32({}, {7}), skip}, i32({}, {7}));
}

// 0 times infinity would be NaN.
TEST_P(OptimizerValues, WithoutDecayInfiniteWeightsStay) {
  const Tensor w = f32({1}, {kInf});
  const Tensor zero = f32({1}, {0});
  expect("sgd_update", {w, f32({1}, {1})}, w, with({{"learning_rate", 0.1}}));
  expect("momentum_update", {zero, f32({1}, {1}), w}, f32({1}, {1}),
         with({{"momentum", 0.9}, {"weight_decay", 0.0}}));
  expect("adam_update", {w, zero, f32({1}, {1}), i32({}, {0})}, w, with({{"learning_rate", 0.1}}));
}

// v = 0.9 v + g;  w -= 0.1 (v + 0.01 w)
TEST_P(OptimizerValues, ThreeStepsOfMomentumWithDecay) {
  const std::vector<Tensor> wanted = {f32({3}, {0.989F, -1.978F, 0.4695F}),
                                      f32({3}, {0.939011F, -1.958022F, 0.4520305F}),
                                      f32({3}, {0.913971989F, -1.96986398F, 0.41127847F})};
  Tensor w = kWeights;
  Tensor v = f32({3}, {0, 0, 0});
  for (size_t step = 0; step < kGradients.size(); ++step) {
    v = run("momentum_update", {v, kGradients[step]}, with({{"momentum", 0.9}}));
    w = run("sgd_update", {w, v}, with({{"learning_rate", 0.1}, {"weight_decay", 0.01}}));
    EXPECT_TRUE(same(w, wanted[step], 1e-6)) << "step " << step;
  }
  EXPECT_TRUE(same(v, f32({3}, {0.241F, 0.138F, 0.403F}), 1e-6));
}

// m = 0.9 m + 0.1 g;  v = 0.999 v + 0.001 g g;  with t = 1, 2, 3:
// w -= 0.01 (m / (1 - 0.9^t) / (sqrt(v / (1 - 0.999^t)) + 1e-8) + 0.1 w)
TEST_P(OptimizerValues, ThreeStepsOfAdamWithDecay) {
  const std::vector<Tensor> wanted = {f32({3}, {0.989000001F, -1.988F, 0.4895F}),
                                      f32({3}, {0.979167236F, -1.97931142F, 0.485008315F}),
                                      f32({3}, {0.974827075F, -1.97977787F, 0.478133225F})};
  Tensor w = kWeights;
  Tensor m = f32({3}, {0, 0, 0});
  Tensor v = m;
  for (size_t step = 0; step < kGradients.size(); ++step) {
    m = run("moving_average", {m, kGradients[step]}, with({{"decay", 0.9}}));
    v = run("moving_average_of_squares", {v, kGradients[step]}, with({{"decay", 0.999}}));
    w = run("adam_update", {w, m, v, i32({}, {static_cast<int32_t>(step)})},
            with({{"learning_rate", 0.01}, {"weight_decay", 0.1}}));
    EXPECT_TRUE(same(w, wanted[step], 1e-6)) << "step " << step;
  }
  EXPECT_TRUE(same(m, f32({3}, {0.0241F, 0.0138F, 0.0403F}), 1e-7));
  EXPECT_TRUE(same(v, f32({3}, {0.00020982001F, 0.00012992004F, 0.00016231009F}), 1e-9));
}

// What the averages and the update by themselves give, bit for bit.
TEST_P(OptimizerValues, AStepOfAdamIsItsParts) {
  const Attributes decay = with({{"learning_rate", 0.01}, {"weight_decay", 0.1}});
  std::vector<Tensor> state = {kWeights, f32({3}, {0, 0, 0}), f32({3}, {0, 0, 0})};
  std::vector<Tensor> parts = state;
  for (size_t number = 0; number < kGradients.size(); ++number) {
    const Tensor& g = kGradients[number];
    const Tensor step = i32({}, {static_cast<int32_t>(number)});
    const std::vector<Tensor> operands = {state[0], state[1], state[2], g, step};
    const bool is_cpu = GetParam().run == run_cpu;
    state = is_cpu ? run_cpu_for_all("adam_step", operands, decay)
                   : run_reference_for_all("adam_step", operands, decay);
    parts[1] = run("moving_average", {parts[1], g}, with({{"decay", 0.9}}));
    parts[2] = run("moving_average_of_squares", {parts[2], g}, with({{"decay", 0.999}}));
    parts[0] = run("adam_update", {parts[0], parts[1], parts[2], step}, decay);
    for (size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(state[i].data, parts[i].data) << i;
  }
}

// A gradient that stays the same moves a weight by the rate in every step, whatever its size. The
// square is beyond f32 from 1.9e19 on, and less than its smallest number below 1e-19.
TEST_P(OptimizerValues, AdamOfGradientsWhoseSquaresF32DoesNotHold) {
  for (const float gradient : {5e19F, -1e30F, 3e38F, 1.0F, 1e-22F, -1e-30F}) {
    SCOPED_TRACE(gradient);
    const Tensor g = f32({1}, {gradient});
    Tensor w = f32({1}, {10});
    Tensor m = f32({1}, {0});
    Tensor v = m;
    for (int32_t step = 0; step < 300; ++step) {
      m = run("moving_average", {m, g}, with({{"decay", 0.9}}));
      v = run("moving_average_of_squares", {v, g}, with({{"decay", 0.999}}));
      w = run("adam_update", {w, m, v, i32({}, {step})},
              with({{"learning_rate", 0.01}, {"epsilon", 1e-37}}));
    }
    EXPECT_TRUE(same(w, f32({1}, {gradient > 0 ? 7.0F : 13.0F}), 1e-5));
  }
}

// (1 - 1/4) 1e60, of which every step without a gradient leaves a quarter: first f32 does not hold
// it, then it does, and in the end it is too small.
TEST_P(OptimizerValues, AnAverageOfSquaresIsKeptAsMinusItsRootWhereF32DoesNotHoldIt) {
  const Attributes decay = with({{"decay", 0.25}});
  Tensor v = run("moving_average_of_squares", {f32({1}, {0}), f32({1}, {1e30F})}, decay);
  for (int step = 0; step < 180; ++step) {
    const double wanted = 0.75 * 1e60 * std::pow(0.25, step);
    const bool fits =
        wanted <= std::numeric_limits<float>::max() && wanted >= std::numeric_limits<float>::min();
    const double kept = fits ? wanted : -std::sqrt(wanted);
    EXPECT_NEAR(v.as<float>()[0] / kept, 1, 1e-5) << "step " << step;
    v = run("moving_average_of_squares", {v, f32({1}, {0})}, decay);
  }
  expect("moving_average_of_squares", {f32({2}, {0, 1}), f32({2}, {kInf, kNan})},
         f32({2}, {kInf, kNan}), decay);
  expect("moving_average_of_squares", {f32({1}, {0}), f32({1}, {0})}, f32({1}, {0}), decay);
}

// 1 - 0.99999^20000. f32 has no 0.99999: with its neighbour alone, it would be 3e-4 more or less.
TEST_P(OptimizerValues, ALongAverageForgetsAsSlowlyAsItIsTold) {
  const Attributes decay = with({{"decay", 0.99999}});
  const Tensor one = f32({1}, {1});
  Tensor m = f32({1}, {0});
  Tensor v = m;
  for (int step = 0; step < 20'000; ++step) {
    m = run("moving_average", {m, one}, decay);
    v = run("moving_average_of_squares", {v, one}, decay);
  }
  EXPECT_TRUE(same(m, f32({1}, {0.181271F}), 2e-5));
  EXPECT_TRUE(same(v, f32({1}, {0.181271F}), 2e-5));
}

// t = 2, beta1 = 1/2, beta2 = 0: mhat = 3 / (3/4) = 4, vhat = 9, and 4 / (3 + 1) = 1.
TEST_P(OptimizerValues, AdamWithARateAsAnOperand) {
  expect("adam_update", {f32({1}, {5}), f32({1}, {3}), f32({1}, {9}), i32({}, {1}), f32({}, {2})},
         f32({1}, {3}), with({{"beta1", 0.5}, {"beta2", 0.0}, {"epsilon", 1.0}}));
}

class LearningRateValues : public OptimizerValues {
 protected:
  static void expect_rates(const Attributes& attributes,
                           const std::vector<std::pair<int32_t, float>>& rates) {
    for (const auto& [step, rate] : rates) {
      SCOPED_TRACE("step " + std::to_string(step));
      expect("learning_rate", {i32({}, {step})}, f32({}, {rate}), attributes);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(BackEnds, LearningRateValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

TEST_P(LearningRateValues, StaysOrWarmsUp) {
  expect_rates(with({{"base", 0.5}}), {{0, 0.5F}, {1, 0.5F}, {INT32_MAX, 0.5F}});
  expect_rates(with({{"base", 0.5}, {"warmup_steps", int64_t{4}}}),
               {{0, 0.125F}, {1, 0.25F}, {3, 0.5F}, {4, 0.5F}, {9, 0.5F}});
}

TEST_P(LearningRateValues, FallsEverySoManySteps) {
  expect_rates(with({{"base", 1.0}, {"decay_every", int64_t{2}}, {"decay_factor", 0.5}}),
               {{0, 1}, {1, 1}, {2, 0.5F}, {3, 0.5F}, {4, 0.25F}, {7, 0.125F}});
  expect_rates(with({{"base", 1.0},
                     {"decay_every", int64_t{2}},
                     {"decay_factor", 0.5},
                     {"warmup_steps", int64_t{4}}}),
               {{1, 0.5F}, {3, 1}, {5, 1}, {6, 0.5F}});
}

// Half a cosine from 1 to 0.2: (1 + cos 45 degrees) / 2 = 0.853553 of the way is left at a quarter.
TEST_P(LearningRateValues, FollowsACosine) {
  expect_rates(with({{"base", 1.0},
                     {"cosine_steps", int64_t{4}},
                     {"final", 0.2},
                     {"warmup_steps", int64_t{2}}}),
               {{0, 0.5F},
                {1, 1},
                {2, 1},
                {3, 0.882842712F},
                {4, 0.6F},
                {5, 0.317157288F},
                {6, 0.2F},
                {100, 0.2F}});
  expect_rates(with({{"base", 1.0}, {"cosine_steps", int64_t{2}}}), {{0, 1}, {1, 0.5F}, {2, 0}});
}

}  // namespace
}  // namespace graphrt
