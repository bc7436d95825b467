#include "runtime/kernels/reference/reference_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "runtime/kernels/reference/loops.h"

namespace graphrt {
namespace {

using reference::Loop;
using reference::Operands;

template <double (*kFunction)(double)>
void map(Operands inputs, const Attributes&, Tensor& result) {
  reference::map_f32(inputs, result, kFunction);
}

template <double (*kF32)(double, double), int64_t (*kI32)(int64_t, int64_t)>
void arithmetic(Operands inputs, const Attributes&, Tensor& result) {
  switch (result.type.element) {
    case ElementType::kF32:
      return reference::zip_f32(inputs, result, kF32);
    case ElementType::kI32:
      return reference::zip_i32(inputs, result, kI32);
  }
}

template <double (*kFunction)(double, double)>
void zip(Operands inputs, const Attributes&, Tensor& result) {
  reference::zip_f32(inputs, result, kFunction);
}

template <double (*kFunction)(double, double)>
void compare(Operands inputs, const Attributes&, Tensor& result) {
  switch (inputs[0]->type.element) {
    case ElementType::kF32:
      return reference::zip_f32(inputs, result, kFunction);
    case ElementType::kI32:
      return reference::zip_i32_to_f32(inputs, result, kFunction);
  }
}

double exponential(double x) { return std::exp(x); }
double logarithm(double x) { return std::log(x); }
double hyperbolic_tangent(double x) { return std::tanh(x); }
double square_root(double x) { return std::sqrt(x); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
/// The probability that a normal number is below x; with 1 + erf, small ones would lose their
/// digits.
double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
/// What is infinite times a probability or density that has become 0 is 0: that falls faster.
double product_with_tail(double x, double tail) {
  return tail == 0 ? std::copysign(0, x) : x * tail;
}
double gelu(double x) { return product_with_tail(x, normal_distribution(x)); }
/// A NaN stays: training that went wrong must show.
double relu(double x) { return x <= 0 ? 0 : x; }
double relu_grad(double gradient, double x) { return x > 0 ? gradient : 0; }
double gelu_grad(double gradient, double x) {
  return gradient * (normal_distribution(x) + product_with_tail(x, normal_density(x)));
}
double tanh_grad(double gradient, double y) { return gradient * (1 - y * y); }
double sigmoid_grad(double gradient, double y) { return gradient * y * (1 - y); }

template <class T>
T add(T a, T b) {
  return a + b;
}
template <class T>
T subtract(T a, T b) {
  return a - b;
}
template <class T>
T multiply(T a, T b) {
  return a * b;
}
double equal(double a, double b) { return a == b ? 1 : 0; }
double divide(double a, double b) { return a / b; }
/// A NaN stays, beside an infinity, too.
double hypotenuse(double a, double b) { return std::sqrt(a * a + b * b); }

struct Row {
  std::string_view op;
  Loop loop;
};

constexpr std::array kLoops = {
    Row{"accuracy", reference::accuracy},
    Row{"adam_update", reference::adam_update},
    Row{"add", arithmetic<add<double>, add<int64_t>>},
    Row{"argmax", reference::argmax},
    Row{"binary_cross_entropy", reference::binary_cross_entropy},
    Row{"binary_cross_entropy_grad", reference::binary_cross_entropy_grad},
    Row{"broadcast", reference::broadcast},
    Row{"clip_factor", reference::clip_factor},
    Row{"concat", reference::concat},
    Row{"copy", reference::copy},
    Row{"div", zip<divide>},
    Row{"dropout", reference::dropout},
    Row{"elementwise", reference::elementwise},
    Row{"embedding", reference::embedding},
    Row{"embedding_grad", reference::embedding_grad},
    Row{"equal", compare<equal>},
    Row{"exp", map<exponential>},
    Row{"gelu", map<gelu>},
    Row{"gelu_grad", zip<gelu_grad>},
    Row{"hypot", zip<hypotenuse>},
    Row{"layer_norm", reference::layer_norm},
    Row{"layer_norm_grad", reference::layer_norm_grad},
    Row{"layer_norm_scale_grad", reference::layer_norm_scale_grad},
    Row{"learning_rate", reference::learning_rate},
    Row{"log", map<logarithm>},
    Row{"matmul", reference::matmul},
    Row{"matmul_sgd_update", reference::matmul_sgd_update},
    Row{"max", reference::max},
    Row{"mean", reference::mean},
    Row{"momentum_update", reference::momentum_update},
    Row{"moving_average", reference::moving_average},
    Row{"moving_average_of_squares", reference::moving_average_of_squares},
    Row{"mse", reference::mse},
    Row{"mse_grad", reference::mse_grad},
    Row{"mul", arithmetic<multiply<double>, multiply<int64_t>>},
    Row{"norm", reference::root_of_squares},
    Row{"pad", reference::pad},
    Row{"relu", map<relu>},
    Row{"relu_grad", zip<relu_grad>},
    Row{"reshape", reference::copy},
    Row{"rms_norm", reference::rms_norm},
    Row{"rms_norm_grad", reference::rms_norm_grad},
    Row{"rms_norm_scale_grad", reference::rms_norm_scale_grad},
    Row{"scale", reference::scale},
    Row{"sgd_update", reference::sgd_update},
    Row{"sigmoid", map<sigmoid>},
    Row{"sigmoid_grad", zip<sigmoid_grad>},
    Row{"slice", reference::slice},
    Row{"softmax", reference::softmax},
    Row{"softmax_cross_entropy", reference::softmax_cross_entropy},
    Row{"softmax_cross_entropy_grad", reference::softmax_cross_entropy_grad},
    Row{"softmax_grad", reference::softmax_grad},
    Row{"sqrt", map<square_root>},
    Row{"sub", arithmetic<subtract<double>, subtract<int64_t>>},
    Row{"sum", reference::sum},
    Row{"sum_of_squares", reference::sum_of_squares},
    Row{"tanh", map<hyperbolic_tangent>},
    Row{"tanh_grad", zip<tanh_grad>},
    Row{"transpose", reference::transpose},
};

}  // namespace

Tensor evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                          const Attributes& attributes, const TensorType& result) {
  const auto row = std::find_if(kLoops.begin(), kLoops.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  CHECK(row != kLoops.end(), "no reference kernel for " + std::string(op));
  Tensor output = zeros(result);
  row->loop(inputs, attributes, output);
  return output;
}

}  // namespace graphrt
