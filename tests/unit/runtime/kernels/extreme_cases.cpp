#include "extreme_cases.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "expected_values.h"
#include "extreme_label_cases.h"

namespace graphrt {
namespace {

constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
constexpr float kHuge = 3.4e38F;  // not quite the largest float
/// e^-20 / (1 + e^-20), and log(1 + e^-20): the same in eight digits.
constexpr float kTailAt20 = 2.061153618e-9F;
/// As a float, 0.9999 is 0.000100016594 below 1.
constexpr float kMissOf9999 = 1.0001659393e-4F;

using Cases = std::vector<ExtremeCase>;

Tensor row_of(const std::vector<float>& elements) { return f32({std::ssize(elements)}, elements); }
Tensor row_of_bools(const std::vector<bool>& elements) {
  Tensor row = zeros({ElementType::kBool, {std::ssize(elements)}});
  std::transform(elements.begin(), elements.end(), row.as<Bool>().begin(),
                 [](bool element) { return Bool(element); });
  return row;
}
Tensor number_of(float element) { return f32({}, {element}); }
Attributes along_axis(int64_t axis) { return with({{"axis", axis}}); }
Attributes scaled_by(double scale) { return with({{"scale", scale}}); }
Attributes chain_of(std::string formula) { return with({{"formula", std::move(formula)}}); }

Cases arithmetic_cases() {
  return {
      {"Add",
       "add",
       {row_of({kHuge, kInfinite, -0.0F, kNotANumber}), row_of({kHuge, -kInfinite, -0.0F, 1})},
       row_of({kInfinite, kNotANumber, -0.0F, kNotANumber})},
      {"Sub",
       "sub",
       {row_of({kInfinite, kHuge, kSmallest}), row_of({kInfinite, -kHuge, kSmallest})},
       row_of({kNotANumber, kInfinite, 0})},
      {"Mul",
       "mul",
       {row_of({1e20F, 0, 0x1p-100F, -kHuge}), row_of({1e20F, kInfinite, 0x1p-45F, 10})},
       row_of({kInfinite, kNotANumber, 0x1p-145F, -kInfinite})},
      {"Div",
       "div",
       {row_of({0, 1, 1, kInfinite, kHuge, 1e-38F}), row_of({0, 0, -0.0F, kInfinite, 0.5F, 1e10F})},
       row_of({kNotANumber, kInfinite, -kInfinite, kNotANumber, kInfinite, 0})},
      {"Scale",
       "scale",
       {row_of({10, -10, 1e-38F, kNotANumber, kInfinite})},
       row_of({kInfinite, -kInfinite, 1, kNotANumber, kInfinite}),
       with({{"factor", 1e38}})},
      {"ScaleBy0",
       "scale",
       {row_of({3, kInfinite, kNotANumber})},
       row_of({0, kNotANumber, kNotANumber}),
       with({{"factor", 0.0}})},
      {"Sqrt",
       "sqrt",
       {row_of({0x1p-140F, kInfinite, -kSmallest, kNotANumber, 1e38F})},
       row_of({0x1p-70F, kInfinite, kNotANumber, kNotANumber, 1e19F})},
      {"Maximum",
       "maximum",
       {row_of({kNotANumber, 1, kInfinite, -kInfinite, kHuge, kSmallest, -3}),
        row_of({1, kNotANumber, kNotANumber, kInfinite, -kInfinite, 0, -3})},
       row_of({kNotANumber, kNotANumber, kNotANumber, kInfinite, kHuge, kSmallest, -3})},
      {"Minimum",
       "minimum",
       {row_of({kNotANumber, 1, kInfinite, -kInfinite, kHuge, kSmallest, -3}),
        row_of({1, kNotANumber, kNotANumber, kInfinite, -kInfinite, 0, -3})},
       row_of({kNotANumber, kNotANumber, kNotANumber, -kInfinite, -kInfinite, 0, -3})},
      {"Equal",
       "equal",
       {row_of({kNotANumber, kInfinite, -0.0F, kSmallest}), row_of({kNotANumber, kInfinite, 0, 0})},
       row_of_bools({false, true, true, false})},
      {"Less",
       "less",
       {row_of({kNotANumber, -kInfinite, -0.0F, kSmallest}), row_of({1, kInfinite, 0, kHuge})},
       row_of_bools({false, true, false, true})},
      {"CastToIntegers",
       "cast",
       {row_of({kNotANumber, kInfinite, -kInfinite, -2.9F, 2147483648.0F, -kHuge})},
       i32({6}, {0, INT32_MAX, INT32_MIN, -2, INT32_MAX, INT32_MIN}),
       with({{"to", "i32"}})},
  };
}

Cases function_cases() {
  return {
      {"Exp",
       "exp",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, kSmallest, -80})},
       row_of({kInfinite, 0, kNotANumber, kInfinite, 0, 1, 1.804851388e-35F})},
      {"Log",
       "log",
       {row_of({kInfinite, 0, -0.0F, -1, kNotANumber, -kInfinite, 0x1p-140F, 0x1p127F})},
       row_of({kInfinite, -kInfinite, -kInfinite, kNotANumber, kNotANumber, kNotANumber,
               -97.04060528F, 88.02969193F})},
      {"Tanh",
       "tanh",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, 1e-30F})},
       row_of({1, -1, kNotANumber, 1, -1, 1e-30F})},
      {"Sigmoid",
       "sigmoid",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, -80})},
       row_of({1, 0, kNotANumber, 1, 0, 1.804851388e-35F})},
      {"Relu",
       "relu",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, kSmallest, -kSmallest, -0.0F})},
       row_of({kInfinite, 0, kNotANumber, kHuge, 0, kSmallest, 0, 0})},
      {"Gelu",
       "gelu",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, kSmallest * 1000})},
       row_of({kInfinite, 0, kNotANumber, kHuge, 0, kSmallest * 500})},
      // -10 times the probability 7.619853e-24.
      {"GeluOfTheTail", "gelu", {row_of({-10, -40})}, row_of({-7.619853024e-23F, 0}), {}, 1e-4},
      {"Abs",
       "abs",
       {row_of({kInfinite, -kInfinite, kNotANumber, -kHuge, -0.0F, -kSmallest})},
       row_of({kInfinite, kInfinite, kNotANumber, kHuge, 0, kSmallest})},
      {"Sin",
       "sin",
       {row_of({kInfinite, -kInfinite, kNotANumber, 0, kSmallest, 100})},
       row_of({kNotANumber, kNotANumber, kNotANumber, 0, kSmallest, -0.5063656411F})},
      {"Cos",
       "cos",
       {row_of({kInfinite, -kInfinite, kNotANumber, 0, kSmallest, 100})},
       row_of({kNotANumber, kNotANumber, kNotANumber, 1, 1, 0.8623188723F})},
      {"Expm1",
       "expm1",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, 1e-10F, -1e-30F})},
       row_of({kInfinite, -1, kNotANumber, kInfinite, -1, 1e-10F, -1e-30F})},
      {"Log1p",
       "log1p",
       {row_of({kInfinite, -1, -2, kNotANumber, 1e-10F, -1e-30F, kHuge})},
       row_of({kInfinite, -kInfinite, kNotANumber, kNotANumber, 1e-10F, -1e-30F, 88.72200895F})},
      {"ChainOfGelu",
       "elementwise",
       {row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge})},
       row_of({kInfinite, 0, kNotANumber, kInfinite, 0}),
       chain_of("scale(gelu(x0), 2)")},
  };
}

Cases gradient_cases() {
  const Tensor gradients = row_of({2, 2, 2, 2, 2, 2, kNotANumber, kInfinite});
  const Tensor x = row_of({kInfinite, -kInfinite, kNotANumber, kHuge, -kHuge, -0.0F, 1, kHuge});
  const Tensor slopes = row_of({2, 0, kNotANumber, 2, 0, 1, kNotANumber, kInfinite});
  return {
      {"GeluGrad", "gelu_grad", {gradients, x}, slopes},
      {"ChainOfGeluGrad",
       "elementwise",
       {gradients, x},
       slopes,
       chain_of("scale(gelu_grad(x0, x1), 1)")},
      {"ReluGrad",
       "relu_grad",
       {row_of({kNotANumber, kNotANumber, 5, kInfinite, 1, kInfinite}),
        row_of({1, 0, kNotANumber, -1, kSmallest, kInfinite})},
       row_of({kNotANumber, 0, 0, 0, 1, kInfinite})},
      // 1 - y^2 is (1 - y)(1 + y): 2^-24 times nearly 2.
      {"TanhGrad",
       "tanh_grad",
       {row_of({1, 1, 1, kNotANumber, kHuge}),
        row_of({1 - 0x1p-24F, -1, kNotANumber, 0, 0x1p-24F - 1})},
       row_of({0x1p-23F, 0, kNotANumber, kNotANumber, kHuge * 0x1p-23F})},
      {"SigmoidGrad",
       "sigmoid_grad",
       {row_of({1, 1, 1, kNotANumber, kHuge}),
        row_of({1 - 0x1p-24F, 1, kNotANumber, 0.5F, 1e-38F})},
       row_of({0x1p-24F, 0, kNotANumber, kNotANumber, 3.4F})},
  };
}

/// A row of each kind, as a matrix along the last axis, and what softmax gives.
constexpr int64_t kNumRows = 9;
const std::vector<float> kExtremeRows = {
    -1e30F, -1e30F,     1e30F, 1e30F,     -kHuge, -kHuge,     kHuge,      -kHuge, kSmallest,
    0,      -kInfinite, 5,     kInfinite, 0,      -kInfinite, -kInfinite, 7,      kNotANumber};
const std::vector<float> kProbabilities = {
    0.5F, 0.5F, 0.5F, 0.5F,        0.5F,        0.5F,        1,           0,           0.5F,
    0.5F, 0,    1,    kNotANumber, kNotANumber, kNotANumber, kNotANumber, kNotANumber, kNotANumber};

/// Rows become columns.
std::vector<float> transposed(const std::vector<float>& rows) {
  std::vector<float> columns;
  for (size_t i = 0; i < rows.size(); i += 2) columns.push_back(rows[i]);
  for (size_t i = 1; i < rows.size(); i += 2) columns.push_back(rows[i]);
  return columns;
}

Cases softmax_cases() {
  return {
      {"Softmax",
       "softmax",
       {f32({kNumRows, 2}, kExtremeRows)},
       f32({kNumRows, 2}, kProbabilities)},
      {"SoftmaxAlongTheFirstAxis",
       "softmax",
       {f32({2, kNumRows}, transposed(kExtremeRows))},
       f32({2, kNumRows}, transposed(kProbabilities)),
       along_axis(0)},
      {"CausalSoftmax",
       "softmax",
       {f32({3, 3}, {-kHuge, 7, 7, 1e30F, 1e30F, kInfinite, -1e30F, -1e30F, -1e30F})},
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
       {f32({2, 2}, {kNotANumber, 1, kInfinite, 1}), f32({2, 2}, {0.5F, 0.5F, 0, 1})},
       f32({2, 2}, {kNotANumber, kNotANumber, kNotANumber, kNotANumber})},
  };
}

Cases binary_cross_entropy_cases() {
  const auto loss = [](const char* name, float logit, float target, float wanted) {
    return ExtremeCase{
        name, "binary_cross_entropy", {row_of({logit}), row_of({target})}, number_of(wanted)};
  };
  return {
      loss("BinaryOfALargeLogit", 1e5F, 0.9999F, 1e5F * kMissOf9999),
      loss("BinaryOfALargeNegativeLogit", -1e5F, 1e-4F, 10),
      loss("BinaryOfTheLargestLogit", kHuge, 1, 0),
      loss("BinaryOfTheLargestMiss", -kHuge, 1, kHuge),
      loss("BinaryOfACloseLogit", 20, 1, kTailAt20),
      loss("BinaryOfInfinityThatHits", kInfinite, 1, 0),
      loss("BinaryOfMinusInfinityThatHits", -kInfinite, 0, 0),
      loss("BinaryOfInfinityThatMisses", kInfinite, 0.5F, kInfinite),
      loss("BinaryOfMinusInfinityThatMisses", -kInfinite, 1, kInfinite),
      loss("BinaryOfNan", kNotANumber, 0, kNotANumber),
      loss("BinaryOfANanTarget", 1, kNotANumber, kNotANumber),
      {"BinaryGrad",
       "binary_cross_entropy_grad",
       {row_of({20, -20, 1e5F, -1e5F, kInfinite, -kInfinite, kInfinite, -kInfinite, kNotANumber,
                kHuge}),
        row_of({1, 0, 0.9999F, 1e-4F, 1, 0, 0, 1, 0, 0.75F})},
       row_of({-kTailAt20, kTailAt20, kMissOf9999, -1e-4F, 0, 0, 1, -1, kNotANumber, 0.25F}),
       scaled_by(1)},
  };
}

Cases mean_squared_error_cases() {
  return {
      {"Mse", "mse", {row_of({2e19F, 0}), row_of({0, 0})}, number_of(2e38F)},
      {"MseOfInfinities",
       "mse",
       {row_of({kInfinite}), row_of({kInfinite})},
       number_of(kNotANumber)},
      {"MseGrad",
       "mse_grad",
       {row_of({3e38F, 0, kNotANumber, kInfinite}), row_of({-3e38F, 0, 0, 0})},
       row_of({3e38F, 0, kNotANumber, kInfinite})},
      {"MseGradOfALargeScale",
       "mse_grad",
       {row_of({0.25F, 1}), row_of({0, 1})},
       row_of({1.5e38F, 0}),
       scaled_by(3e38)},
  };
}

Cases reduction_cases() {
  const auto of_rows = with({{"axes", List{1}}});
  const Tensor x = f32({5, 3}, {-0.0F, 0, -1, kNotANumber, kInfinite, 1, -kInfinite, -kInfinite,
                                -kInfinite, kHuge, kHuge, -kHuge, kInfinite, -kInfinite, 0});
  return {
      {"Max", "max", {x}, row_of({0, kNotANumber, -kInfinite, kHuge, kInfinite}), of_rows},
      {"Argmax", "argmax", {x}, i32({5}, {0, 0, 0, 0, 0})},
      {"ArgmaxOfNan",
       "argmax",
       {f32({2, 4}, {kInfinite, 1, kNotANumber, kNotANumber, -kInfinite, -kInfinite, kInfinite,
                     kInfinite})},
       i32({2}, {2, 2})},
      {"Accuracy",
       "accuracy",
       {f32({2, 3}, {kInfinite, kNotANumber, 0, -kInfinite, -kInfinite, -kInfinite}),
        i32({2}, {1, 0})},
       number_of(1)},
      // Sums of f32 are kept in double.
      {"Sum", "sum", {x}, row_of({-1, kNotANumber, -kInfinite, kHuge, kNotANumber}), of_rows},
      {"Mean",
       "mean",
       {f32({2, 2}, {kHuge, kHuge, kSmallest, 3 * kSmallest})},
       row_of({kHuge, 2 * kSmallest}),
       of_rows},
  };
}

/// 0 times what is no number is none: no term is left out.
Cases product_cases() {
  const Tensor b = f32({2, 1}, {kInfinite, 1});
  return {
      {"Matmul",
       "matmul",
       {f32({3, 2}, {0, 1, 1, 0, kNotANumber, 0}), b},
       f32({3, 1}, {kNotANumber, kInfinite, kNotANumber})},
      {"MatmulWithRelu",
       "matmul",
       {f32({2, 2}, {0, 1, -1, 0}), b, row_of({1})},
       f32({2, 1}, {kNotANumber, 0}),
       with({{"relu", true}})},
  };
}

Cases norm_cases() {
  const Tensor ones = row_of({1, 1});
  const Tensor shift = row_of({5, 6});
  return {
      {"LayerNorm",
       "layer_norm",
       {f32({5, 2}, {kHuge, -kHuge, 1e30F, 1e30F, kInfinite, 1, kNotANumber, 1, kSmallest, 0}),
        ones, shift},
       f32({5, 2}, {6, 5, 5, 6, kNotANumber, kNotANumber, kNotANumber, kNotANumber, 5, 6})},
      {"LayerNormGrad",
       "layer_norm_grad",
       {f32({1, 2}, {1, 0}), f32({1, 2}, {kHuge, -kHuge}), ones},
       f32({1, 2}, {0, 0})},
      // 2^-140 over the root of the default 1e-6, where squares vanish beside it.
      {"RmsNorm",
       "rms_norm",
       {f32({4, 2}, {kHuge, -kHuge, 0x1p-140F, 0, kInfinite, 1, kNotANumber, 1}), ones},
       f32({4, 2}, {1, -1, 1000 * 0x1p-140F, 0, kNotANumber, 0, kNotANumber, kNotANumber})},
      {"RmsNormScaleGrad",
       "rms_norm_scale_grad",
       {f32({2, 2}, {kHuge, 1, kHuge, 1}), f32({2, 2}, {kHuge, kHuge, -kHuge, kHuge})},
       row_of({0, 2})},
  };
}

/// Of one query and one head.
Cases attention_cases() {
  const Tensor one = f32({1, 1, 1, 1}, {1});
  const auto keys = [](const std::vector<float>& elements) {
    return f32({1, std::ssize(elements), 1, 1}, elements);
  };
  return {
      {"AttentionOfHugeScores",
       "attention",
       {one, keys({1e30F, 1e30F, -1e30F, 0}), keys({1, 3, 500, 700})},
       f32({1, 1, 1, 1}, {2})},
      {"AttentionBesideUnseenKeys",
       "attention",
       {one, keys({0, kHuge, 0}), keys({1, 500, 3}), row_of({0, -kInfinite, 0})},
       f32({1, 1, 1, 1}, {2})},
      {"AttentionThatSeesNothing",
       "attention",
       {one, keys({1, 2}), keys({3, 4}), row_of_bools({false, false})},
       f32({1, 1, 1, 1}, {0})},
      {"AttentionOfNotANumber",
       "attention",
       {one, keys({kNotANumber, 2}), keys({3, 4})},
       f32({1, 1, 1, 1}, {kNotANumber})},
      {"AttentionGradThatSeesNothing",
       "attention_grad",
       {one, one, keys({1, 2}), keys({3, 4}), f32({1, 1, 1, 1}, {0}), f32({1, 1, 1}, {-kInfinite}),
        row_of_bools({false, false})},
       f32({1, 1, 1, 1}, {0})},
  };
}

}  // namespace

std::vector<ExtremeCase> extreme_cases() {
  Cases all;
  for (const auto part : {arithmetic_cases, function_cases, gradient_cases, softmax_cases,
                          extreme_label_cases, binary_cross_entropy_cases, mean_squared_error_cases,
                          reduction_cases, product_cases, norm_cases, attention_cases}) {
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
    const double allowed =
        tested.relative_error * std::abs(double{b}) + (b == 0 ? 0 : 2 * kSmallest);
    if (std::isfinite(a) && std::isfinite(b) && std::abs(double{a} - b) <= allowed) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
  }
  return testing::AssertionSuccess();
}

}  // namespace graphrt
