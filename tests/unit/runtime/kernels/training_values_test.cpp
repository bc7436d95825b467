// Losses, gradients and what else training takes, against numbers worked out by hand.
#include <cstring>

#include "expected_values.h"

namespace graphrt {
namespace {

constexpr float kLog3 = 1.098612289F;

class TrainingValues : public ExpectedValues {};
INSTANTIATE_TEST_SUITE_P(BackEnds, TrainingValues, testing::ValuesIn(kCpuAndReference),
                         [](const auto& test) { return test.param.name; });

TEST_P(TrainingValues, SquareRoot) {
  expect("sqrt", {f32({4}, {0, 9, kInf, -1})}, f32({4}, {0, 3, kInf, kNan}));
}

TEST_P(TrainingValues, Equal) {
  const auto bools = [](Shape shape, const std::vector<uint8_t>& elements) {
    Tensor tensor = zeros({ElementType::kBool, std::move(shape)});
    std::memcpy(tensor.data.data(), elements.data(), elements.size());
    return tensor;
  };
  expect("equal", {f32({2, 2}, {1, 2, kNan, 0}), f32({2}, {1, -0.0F})},
         bools({2, 2}, {1, 0, 0, 1}));
  expect("equal", {f32({2}, {kNan, kInf}), f32({2}, {kNan, kInf})}, bools({2}, {0, 1}));
  expect("equal", {i32({2}, {3, -4}), i32({2, 1}, {3, -4})}, bools({2, 2}, {1, 0, 0, 1}));
  // Neighbours that floats do not tell apart.
  expect("equal", {i32({}, {16777217}), i32({2}, {16777216, 16777217})}, bools({2}, {0, 1}));
}

TEST_P(TrainingValues, Broadcast) {
  const auto to = [](const List& shape) { return with({{"shape", shape}}); };
  expect("broadcast", {i32({}, {7})}, i32({2, 2}, {7, 7, 7, 7}), to({2, 2}));
  expect("broadcast", {f32({2}, {1, 2})}, f32({2, 2}, {1, 2, 1, 2}), to({2, 2}));
  expect("broadcast", {f32({2, 1}, {1, 2})}, f32({2, 2}, {1, 1, 2, 2}), to({2, 2}));
  // x[i, 0, k] = 10 i + k.
  expect("broadcast", {i32({2, 1, 2}, {0, 1, 10, 11})},
         i32({2, 3, 2}, {0, 1, 0, 1, 0, 1, 10, 11, 10, 11, 10, 11}), to({2, 3, 2}));
}

TEST_P(TrainingValues, Pad) {
  const Tensor x = i32({2, 2}, {1, 2, 3, 4});
  const auto pad = [](int64_t axis, int64_t before, int64_t after) {
    return with({{"axis", axis}, {"before", before}, {"after", after}});
  };
  expect("pad", {x}, i32({4, 2}, {0, 0, 1, 2, 3, 4, 0, 0}), pad(0, 1, 1));
  expect("pad", {x}, i32({2, 5}, {0, 0, 1, 2, 0, 0, 0, 3, 4, 0}), pad(-1, 2, 1));
  expect("pad", {f32({2}, {kNan, 5})}, f32({3}, {kNan, 5, 0}), pad(0, 0, 1));
}

// tanh' = 1 - y^2, sigmoid' = y (1 - y).
TEST_P(TrainingValues, GradientsByTheResult) {
  expect("tanh_grad", {f32({3}, {2, 4, 5}), f32({3}, {0, 0.5F, -1})}, f32({3}, {2, 3, 0}));
  expect("sigmoid_grad", {f32({3}, {2, 4, 5}), f32({3}, {0.5F, 0.25F, 1})},
         f32({3}, {0.5F, 0.75F, 0}));
}

// P(x) + x p(x): the probability that a normal number is below x, and its density. At 1 they are
// 0.841344746 and 0.241970725; far from 0 the slopes are 0 and 1.
TEST_P(TrainingValues, GradientOfGelu) {
  expect("gelu_grad", {f32({5}, {2, 1, 1, 3, 3}), f32({5}, {0, 1, -1, 100, -100})},
         f32({5}, {1, 1.083315471F, -0.083315471F, 3, 0}));
}

// Row 0 has one column, row 1 has 3 : 1, row 2 has 1 : 1 : 1. What is not used may be anything.
TEST_P(TrainingValues, CausalSoftmax) {
  const Attributes causal = with({{"causal", true}});
  const std::vector<float> x = {5, kNan, kInf, kLog3, 0, kNan, 7, 7, 7};
  const std::vector<float> y = {1, 0, 0, 0.75F, 0.25F, 0, 1.0F / 3, 1.0F / 3, 1.0F / 3};
  expect("softmax", {f32({3, 3}, x)}, f32({3, 3}, y), causal);
  expect("softmax", {f32({1, 1, 3, 3}, x)}, f32({1, 1, 3, 3}, y), causal);
  // Each matrix starts anew; there may be more rows than columns.
  expect("softmax", {f32({2, 3, 1}, {1, 2, 3, 4, 5, 6})}, f32({2, 3, 1}, {1, 1, 1, 1, 1, 1}),
         causal);
  expect("softmax", {f32({2, 2, 2}, {0, 9, 0, 0, 0, 9, kLog3, 0})},
         f32({2, 2, 2}, {1, 0, 0.5F, 0.5F, 1, 0, 0.75F, 0.25F}), causal);
}

// y = (3/4, 1/4) and gradient (4, 8): their product sums up to 5.
TEST_P(TrainingValues, GradientOfSoftmax) {
  expect("softmax_grad", {f32({1, 2}, {4, 8}), f32({1, 2}, {0.75F, 0.25F})},
         f32({1, 2}, {-0.75F, 0.75F}));
  expect("softmax_grad", {f32({2, 2}, {4, 1, 8, 1}), f32({2, 2}, {0.75F, 0.5F, 0.25F, 0.5F})},
         f32({2, 2}, {-0.75F, 0, 0.75F, 0}), with({{"axis", int64_t{0}}}));
}

// Differences 1, -2, 0, 3: the mean of the squares is 14 / 4.
TEST_P(TrainingValues, MeanSquaredError) {
  const Tensor prediction = f32({2, 2}, {2, 1, 5, 3});
  const Tensor target = f32({2, 2}, {1, 3, 5, 0});
  expect("mse", {prediction, target}, f32({}, {3.5F}));
  expect("mse_grad", {prediction, target}, f32({2, 2}, {0.5F, -1, 0, 1.5F}));
  expect("mse_grad", {prediction, target}, f32({2, 2}, {1, -2, 0, 3}), with({{"scale", 0.5}}));
  // And a factor that changes from step to step.
  expect("mse_grad", {prediction, target, f32({}, {2})}, f32({2, 2}, {1, -2, 0, 3}));
}

// sigmoid(log 3) = 3/4. Large logits must not overflow: a wrong one costs what it is.
TEST_P(TrainingValues, BinaryCrossEntropy) {
  const float log4 = 2 * kLog2;
  expect("binary_cross_entropy", {f32({2}, {kLog3, 0}), f32({2}, {0, 1})},
         f32({}, {(log4 + kLog2) / 2}));
  expect("binary_cross_entropy", {f32({1}, {0}), f32({1}, {0.25F})}, f32({}, {kLog2}));
  expect("binary_cross_entropy", {f32({4}, {200, 200, -200, -200}), f32({4}, {0, 1, 0, 1})},
         f32({}, {100}));
  expect("binary_cross_entropy_grad", {f32({2}, {kLog3, 0}), f32({2}, {0, 1})},
         f32({2}, {0.375F, -0.25F}));
  expect("binary_cross_entropy_grad", {f32({3}, {0, 200, -200}), f32({3}, {0.25F, 1, 1})},
         f32({3}, {0.5F, 0, -2}), with({{"scale", 2.0}}));
}

// Row 0 is right; in row 1 the lowest of equals, class 0, is not the label; in row 2 a NaN is the
// largest. Labels that name no class are wrong.
TEST_P(TrainingValues, Accuracy) {
  const Tensor logits = f32({4, 3}, {1, 2, 0, 5, 5, 1, 9, 1, kNan, 0, 0, 1});
  expect("accuracy", {logits, i32({4}, {1, 1, 2, 2})}, f32({}, {0.75F}));
  expect("accuracy", {logits, i32({4}, {1, 0, 2, 2})}, f32({}, {1}));
  expect("accuracy", {logits, i32({4}, {-1, 3, 0, 0})}, f32({}, {0}));
}

// The norm of (3, 4) is 5.
TEST_P(TrainingValues, ClippingByTheNorm) {
  const auto most = [](double max_norm) { return with({{"max_norm", max_norm}}); };
  expect("sum_of_squares", {f32({2, 1}, {3, -4})}, f32({}, {25}));
  expect("clip_factor", {f32({}, {25})}, f32({}, {0.2F}), most(1));
  expect("clip_factor", {f32({}, {25})}, f32({}, {1}), most(5));
  expect("clip_factor", {f32({}, {0})}, f32({}, {1}), most(5));
  expect("clip_factor", {f32({}, {kNan})}, f32({}, {kNan}), most(5));
}

// Squares of 1e20 are infinite in f32, those of 1e-25 nothing; their roots are neither.
TEST_P(TrainingValues, ClippingByNormsWhoseSquaresF32DoesNotHold) {
  for (const float unit : {1e20F, 2e37F, 1.0F, 1e-25F, 1e-35F}) {
    SCOPED_TRACE(unit);
    const Tensor norm = run("norm", {f32({2, 1}, {3 * unit, -4 * unit})});
    EXPECT_FLOAT_EQ(norm.as<float>()[0], 5 * unit);
    const Tensor both = run("hypot", {norm, f32({}, {12 * unit})});
    EXPECT_FLOAT_EQ(both.as<float>()[0] / unit, norm.as<float>()[0] / unit * 2.6F);
    const Attributes attributes =
        with({{"max_norm", static_cast<double>(unit) * 1.3}, {"of_norm", true}});
    expect("clip_factor", {both}, f32({}, {0.1F}), attributes);
  }
  expect("hypot", {f32({3}, {3, kNan, 0}), f32({3}, {4, kInf, 0})}, f32({3}, {5, kNan, 0}));
  // With a factor of 0 training would stand still without a word.
  const Attributes most = with({{"max_norm", 1.0}});
  expect("clip_factor", {f32({}, {kInf})}, f32({}, {kNan}), most);
  expect("clip_factor", {f32({}, {kInf})}, f32({}, {kNan}),
         with({{"max_norm", 1.0}, {"of_norm", true}}));
}

}  // namespace
}  // namespace graphrt
