#include "extreme_cases.h"

#include <cmath>
#include <iterator>
#include <limits>

namespace graphrt {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kTiny = std::numeric_limits<float>::denorm_min();
constexpr float kHuge = 3.4e38F;  // not quite the largest float
constexpr float kLog4 = 1.386294361F;
/// e^-20 / (1 + e^-20), and log(1 + e^-20): the same in eight digits.
constexpr float kTailAt20 = 2.061153618e-9F;
/// As a float, 0.9999 is 0.000100016594 below 1.
constexpr float kMissOf9999 = 1.0001659393e-4F;

using Cases = std::vector<ExtremeCase>;

Tensor f32(Shape shape, const std::vector<float>& elements) {
  return tensor_of<float>(std::move(shape), elements);
}
Tensor row(const std::vector<float>& elements) { return f32({std::ssize(elements)}, elements); }
Tensor i32(Shape shape, const std::vector<int32_t>& elements) {
  return tensor_of<int32_t>(std::move(shape), elements);
}
Tensor scalar(float element) { return f32({}, {element}); }
Attributes axis(int64_t axis) { return with({{"axis", axis}}); }
Attributes scaled_by(double scale) { return with({{"scale", scale}}); }
Attributes formula(std::string text) { return with({{"formula", std::move(text)}}); }

Cases arithmetic_cases() {
  return {
      {"Add",
       "add",
       {row({kHuge, kInf, -0.0F, kNan}), row({kHuge, -kInf, -0.0F, 1})},
       row({kInf, kNan, -0.0F, kNan})},
      {"Sub", "sub", {row({kInf, kHuge, kTiny}), row({kInf, -kHuge, kTiny})}, row({kNan, kInf, 0})},
      {"Mul",
       "mul",
       {row({1e20F, 0, 0x1p-100F, -kHuge}), row({1e20F, kInf, 0x1p-45F, 10})},
       row({kInf, kNan, 0x1p-145F, -kInf})},
      {"Div",
       "div",
       {row({0, 1, 1, kInf, kHuge, 1e-38F}), row({0, 0, -0.0F, kInf, 0.5F, 1e10F})},
       row({kNan, kInf, -kInf, kNan, kInf, 0})},
      {"Scale",
       "scale",
       {row({10, -10, 1e-38F, kNan, kInf})},
       row({kInf, -kInf, 1, kNan, kInf}),
       with({{"factor", 1e38}})},
      {"ScaleBy0", "scale", {row({3, kInf, kNan})}, row({0, kNan, kNan}), with({{"factor", 0.0}})},
      {"Sqrt",
       "sqrt",
       {row({0x1p-140F, kInf, -kTiny, kNan, 1e38F})},
       row({0x1p-70F, kInf, kNan, kNan, 1e19F})},
      {"Equal",
       "equal",
       {row({kNan, kInf, -0.0F, kTiny}), row({kNan, kInf, 0, 0})},
       row({0, 1, 1, 0})},
  };
}

Cases function_cases() {
  return {
      {"Exp",
       "exp",
       {row({kInf, -kInf, kNan, kHuge, -kHuge, kTiny, -80})},
       row({kInf, 0, kNan, kInf, 0, 1, 1.804851388e-35F})},
      {"Log",
       "log",
       {row({kInf, 0, -0.0F, -1, kNan, -kInf, 0x1p-140F, 0x1p127F})},
       row({kInf, -kInf, -kInf, kNan, kNan, kNan, -97.04060528F, 88.02969193F})},
      {"Tanh",
       "tanh",
       {row({kInf, -kInf, kNan, kHuge, -kHuge, 1e-30F})},
       row({1, -1, kNan, 1, -1, 1e-30F})},
      {"Sigmoid",
       "sigmoid",
       {row({kInf, -kInf, kNan, kHuge, -kHuge, -80})},
       row({1, 0, kNan, 1, 0, 1.804851388e-35F})},
      {"Relu",
       "relu",
       {row({kInf, -kInf, kNan, kHuge, -kHuge, kTiny, -kTiny, -0.0F})},
       row({kInf, 0, kNan, kHuge, 0, kTiny, 0, 0})},
      {"Gelu",
       "gelu",
       {row({kInf, -kInf, kNan, kHuge, -kHuge, kTiny * 1000})},
       row({kInf, 0, kNan, kHuge, 0, kTiny * 500})},
      // -10 times the probability 7.619853e-24.
      {"GeluOfTheTail", "gelu", {row({-10, -40})}, row({-7.619853024e-23F, 0}), {}, 1e-4},
      {"ChainOfGelu",
       "elementwise",
       {row({kInf, -kInf, kNan, kHuge, -kHuge})},
       row({kInf, 0, kNan, kInf, 0}),
       formula("scale(gelu(x0), 2)")},
  };
}

Cases gradient_cases() {
  const Tensor gradients = row({2, 2, 2, 2, 2, 2, kNan, kInf});
  const Tensor x = row({kInf, -kInf, kNan, kHuge, -kHuge, -0.0F, 1, kHuge});
  const Tensor slopes = row({2, 0, kNan, 2, 0, 1, kNan, kInf});
  return {
      {"GeluGrad", "gelu_grad", {gradients, x}, slopes},
      {"ChainOfGeluGrad",
       "elementwise",
       {gradients, x},
       slopes,
       formula("scale(gelu_grad(x0, x1), 1)")},
      {"ReluGrad",
       "relu_grad",
       {row({kNan, kNan, 5, kInf, 1, kInf}), row({1, 0, kNan, -1, kTiny, kInf})},
       row({kNan, 0, 0, 0, 1, kInf})},
      // 1 - y^2 is (1 - y)(1 + y): 2^-24 times nearly 2.
      {"TanhGrad",
       "tanh_grad",
       {row({1, 1, 1, kNan, kHuge}), row({1 - 0x1p-24F, -1, kNan, 0, 0x1p-24F - 1})},
       row({0x1p-23F, 0, kNan, kNan, kHuge * 0x1p-23F})},
      {"SigmoidGrad",
       "sigmoid_grad",
       {row({1, 1, 1, kNan, kHuge}), row({1 - 0x1p-24F, 1, kNan, 0.5F, 1e-38F})},
       row({0x1p-24F, 0, kNan, kNan, 3.4F})},
  };
}

/// A row of each kind, as a matrix along the last axis, and what softmax gives.
constexpr int64_t kNumRows = 9;
const std::vector<float> kRows = {-1e30F, -1e30F, 1e30F, 1e30F, -kHuge, -kHuge,
                                  kHuge,  -kHuge, kTiny, 0,     -kInf,  5,
                                  kInf,   0,      -kInf, -kInf, 7,      kNan};
const std::vector<float> kProbabilities = {0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 0.5F, 1,    0,    0.5F,
                                           0.5F, 0,    1,    kNan, kNan, kNan, kNan, kNan, kNan};

/// Rows become columns.
std::vector<float> transposed(const std::vector<float>& rows) {
  std::vector<float> columns;
  for (size_t i = 0; i < rows.size(); i += 2) columns.push_back(rows[i]);
  for (size_t i = 1; i < rows.size(); i += 2) columns.push_back(rows[i]);
  return columns;
}

Cases softmax_cases() {
  return {
      {"Softmax", "softmax", {f32({kNumRows, 2}, kRows)}, f32({kNumRows, 2}, kProbabilities)},
      {"SoftmaxAlongTheFirstAxis",
       "softmax",
       {f32({2, kNumRows}, transposed(kRows))},
       f32({2, kNumRows}, transposed(kProbabilities)),
       axis(0)},
      {"CausalSoftmax",
       "softmax",
       {f32({3, 3}, {-kHuge, 7, 7, 1e30F, 1e30F, kInf, -1e30F, -1e30F, -1e30F})},
       f32({3, 3}, {1, 0, 0, 0.5F, 0.5F, 0, 1.0F / 3, 1.0F / 3, 1.0F / 3}),
       with({{"causal", true}})},
      {"SoftmaxOfAMaskedRow",
       "softmax",
       {f32({1, 300}, std::vector<float>(300, -kHuge))},
       f32({1, 300}, std::vector<float>(300, 1.0F / 300))},
      // The sum of gradient y is -1.5e38: 3e38 is 4.5e38 above it, which is no float.
      {"SoftmaxGrad",
       "softmax_grad",
       {f32({1, 2}, {3e38F, -3e38F}), f32({1, 2}, {0.25F, 0.75F})},
       f32({1, 2}, {1.125e38F, -1.125e38F})},
      {"SoftmaxGradOfNan",
       "softmax_grad",
       {f32({2, 2}, {kNan, 1, kInf, 1}), f32({2, 2}, {0.5F, 0.5F, 0, 1})},
       f32({2, 2}, {kNan, kNan, kNan, kNan})},
  };
}

Cases cross_entropy_cases() {
  const Tensor flat = f32({1, 4}, {-1e30F, -1e30F, -1e30F, -1e30F});
  const Tensor far = f32({2, 2}, {-3e38F, 3e38F, 0, -kInf});
  const Tensor labels = i32({2}, {0, 0});
  return {
      {"CrossEntropy", "softmax_cross_entropy", {flat, i32({1}, {3})}, scalar(kLog4)},
      {"CrossEntropyGrad",
       "softmax_cross_entropy_grad",
       {flat, i32({1}, {3})},
       f32({1, 4}, {0.25F, 0.25F, 0.25F, -0.75F})},
      // One loss is 6e38, no float; the mean of it and 0 is one.
      {"CrossEntropyOfFarLogits", "softmax_cross_entropy", {far, labels}, scalar(3e38F)},
      {"CrossEntropyGradOfFarLogits",
       "softmax_cross_entropy_grad",
       {far, labels},
       f32({2, 2}, {-1, 1, 0, 0}),
       scaled_by(1)},
      {"CrossEntropyOfAnImpossibleLabel",
       "softmax_cross_entropy",
       {f32({1, 2}, {0, -kInf}), i32({1}, {1})},
       scalar(kInf)},
      {"CrossEntropyGradOfAnImpossibleLabel",
       "softmax_cross_entropy_grad",
       {f32({1, 2}, {0, -kInf}), i32({1}, {1})},
       f32({1, 2}, {1, -1})},
      {"CrossEntropyOfInfinity",
       "softmax_cross_entropy",
       {f32({1, 2}, {kInf, 0}), i32({1}, {0})},
       scalar(kNan)},
      {"CrossEntropyGradOfNan",
       "softmax_cross_entropy_grad",
       {f32({2, 2}, {kNan, 0, 0, 0}), labels},
       f32({2, 2}, {kNan, kNan, -0.5F, 0.5F}),
       scaled_by(1)},
  };
}

Cases binary_cross_entropy_cases() {
  const auto loss = [](const char* name, float logit, float target, float wanted) {
    return ExtremeCase{name, "binary_cross_entropy", {row({logit}), row({target})}, scalar(wanted)};
  };
  return {
      loss("BinaryOfALargeLogit", 1e5F, 0.9999F, 1e5F * kMissOf9999),
      loss("BinaryOfALargeNegativeLogit", -1e5F, 1e-4F, 10),
      loss("BinaryOfTheLargestLogit", kHuge, 1, 0),
      loss("BinaryOfTheLargestMiss", -kHuge, 1, kHuge),
      loss("BinaryOfACloseLogit", 20, 1, kTailAt20),
      loss("BinaryOfInfinityThatHits", kInf, 1, 0),
      loss("BinaryOfMinusInfinityThatHits", -kInf, 0, 0),
      loss("BinaryOfInfinityThatMisses", kInf, 0.5F, kInf),
      loss("BinaryOfMinusInfinityThatMisses", -kInf, 1, kInf),
      loss("BinaryOfNan", kNan, 0, kNan),
      loss("BinaryOfANanTarget", 1, kNan, kNan),
      {"BinaryGrad",
       "binary_cross_entropy_grad",
       {row({20, -20, 1e5F, -1e5F, kInf, -kInf, kInf, -kInf, kNan, kHuge}),
        row({1, 0, 0.9999F, 1e-4F, 1, 0, 0, 1, 0, 0.75F})},
       row({-kTailAt20, kTailAt20, kMissOf9999, -1e-4F, 0, 0, 1, -1, kNan, 0.25F}),
       scaled_by(1)},
  };
}

Cases mean_squared_error_cases() {
  return {
      {"Mse", "mse", {row({2e19F, 0}), row({0, 0})}, scalar(2e38F)},
      {"MseOfInfinities", "mse", {row({kInf}), row({kInf})}, scalar(kNan)},
      {"MseGrad",
       "mse_grad",
       {row({3e38F, 0, kNan, kInf}), row({-3e38F, 0, 0, 0})},
       row({3e38F, 0, kNan, kInf})},
      {"MseGradOfALargeScale",
       "mse_grad",
       {row({0.25F, 1}), row({0, 1})},
       row({1.5e38F, 0}),
       scaled_by(3e38)},
  };
}

Cases reduction_cases() {
  const auto of_rows = with({{"axes", List{1}}});
  const Tensor x = f32({5, 3}, {-0.0F, 0, -1, kNan, kInf, 1, -kInf, -kInf, -kInf, kHuge, kHuge,
                                -kHuge, kInf, -kInf, 0});
  return {
      {"Max", "max", {x}, row({0, kNan, -kInf, kHuge, kInf}), of_rows},
      {"Argmax", "argmax", {x}, i32({5}, {0, 0, 0, 0, 0})},
      {"ArgmaxOfNan",
       "argmax",
       {f32({2, 4}, {kInf, 1, kNan, kNan, -kInf, -kInf, kInf, kInf})},
       i32({2}, {2, 2})},
      {"Accuracy",
       "accuracy",
       {f32({2, 3}, {kInf, kNan, 0, -kInf, -kInf, -kInf}), i32({2}, {1, 0})},
       scalar(1)},
      // Sums of f32 are kept in double.
      {"Sum", "sum", {x}, row({-1, kNan, -kInf, kHuge, kNan}), of_rows},
      {"Mean",
       "mean",
       {f32({2, 2}, {kHuge, kHuge, kTiny, 3 * kTiny})},
       row({kHuge, 2 * kTiny}),
       of_rows},
  };
}

/// 0 times what is no number is none: no term is left out.
Cases product_cases() {
  const Tensor b = f32({2, 1}, {kInf, 1});
  return {
      {"Matmul",
       "matmul",
       {f32({3, 2}, {0, 1, 1, 0, kNan, 0}), b},
       f32({3, 1}, {kNan, kInf, kNan})},
      {"MatmulWithRelu",
       "matmul",
       {f32({2, 2}, {0, 1, -1, 0}), b, row({1})},
       f32({2, 1}, {kNan, 0}),
       with({{"relu", true}})},
  };
}

Cases norm_cases() {
  const Tensor ones = row({1, 1});
  const Tensor shift = row({5, 6});
  return {
      {"LayerNorm",
       "layer_norm",
       {f32({5, 2}, {kHuge, -kHuge, 1e30F, 1e30F, kInf, 1, kNan, 1, kTiny, 0}), ones, shift},
       f32({5, 2}, {6, 5, 5, 6, kNan, kNan, kNan, kNan, 5, 6})},
      {"LayerNormGrad",
       "layer_norm_grad",
       {f32({1, 2}, {1, 0}), f32({1, 2}, {kHuge, -kHuge}), ones},
       f32({1, 2}, {0, 0})},
      // 2^-140 over the root of the default 1e-6, where squares vanish beside it.
      {"RmsNorm",
       "rms_norm",
       {f32({4, 2}, {kHuge, -kHuge, 0x1p-140F, 0, kInf, 1, kNan, 1}), ones},
       f32({4, 2}, {1, -1, 1000 * 0x1p-140F, 0, kNan, 0, kNan, kNan})},
      {"RmsNormScaleGrad",
       "rms_norm_scale_grad",
       {f32({2, 2}, {kHuge, 1, kHuge, 1}), f32({2, 2}, {kHuge, kHuge, -kHuge, kHuge})},
       row({0, 2})},
  };
}

}  // namespace

std::vector<ExtremeCase> extreme_cases() {
  Cases all;
  for (const auto part : {arithmetic_cases, function_cases, gradient_cases, softmax_cases,
                          cross_entropy_cases, binary_cross_entropy_cases, mean_squared_error_cases,
                          reduction_cases, product_cases, norm_cases}) {
    std::ranges::move(part(), std::back_inserter(all));
  }
  return all;
}

testing::AssertionResult gives_wanted(const Tensor& found, const ExtremeCase& tested) {
  const Tensor& wanted = tested.wanted;
  if (found.type != wanted.type || found.type.element != ElementType::kF32) {
    return same(found, wanted, 0);
  }
  for (size_t i = 0; i < wanted.as<float>().size(); ++i) {
    const float a = found.as<float>()[i];
    const float b = wanted.as<float>()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    // Two units of what subnormal numbers are rounded to.
    const double allowed = tested.relative_error * std::abs(double{b}) + (b == 0 ? 0 : 2 * kTiny);
    if (std::isfinite(a) && std::isfinite(b) && std::abs(double{a} - b) <= allowed) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
  }
  return testing::AssertionSuccess();
}

}  // namespace graphrt
