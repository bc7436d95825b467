// Products of matrices. Of f32, a node that does more than the product rounds where separate
// operators would round: a pass that joins them changes no number. Elements of 16 bits are rounded
// once, at the end.
#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// Row-major element (row, column) of a matrix, or of its transpose.
struct MatrixView {
  const double* elements;
  int64_t num_columns;
  bool is_transposed;
  double at(int64_t row, int64_t column) const {
    return is_transposed ? elements[column * num_columns + row]
                         : elements[row * num_columns + column];
  }
};

/// The sums, for a result of type `result`.
std::vector<double> multiply(const Tensor& left, const Tensor& right, const Attributes& attributes,
                             const TensorType& result) {
  const Shape& shape = result.shape;
  const Shape& shape_a = left.type.shape;
  const Shape& shape_b = right.type.shape;
  const bool transpose_a = attributes.flag("transpose_a");
  const int64_t m = shape[shape.size() - 2];
  const int64_t n = shape[shape.size() - 1];
  const int64_t k = shape_a[shape_a.size() - (transpose_a ? 2 : 1)];
  const int64_t num_products = result.num_elements() / (m * n);
  const std::vector<double> all_a = numbers_of(left);
  const std::vector<double> all_b = numbers_of(right);
  std::vector<double> y;
  for (int64_t product = 0; product < num_products; ++product) {
    const MatrixView a{all_a.data() + product * m * k, shape_a.back(), transpose_a};
    const MatrixView b{all_b.data() + product * k * n, shape_b.back(),
                       attributes.flag("transpose_b")};
    for (int64_t row = 0; row < m; ++row) {
      for (int64_t column = 0; column < n; ++column) {
        double total = 0;
        for (int64_t i = 0; i < k; ++i) total += a.at(row, i) * b.at(i, column);
        y.push_back(total);
      }
    }
  }
  return y;
}

double rounded_to_f32(double number) { return static_cast<float>(number); }

}  // namespace

void matmul(Operands inputs, const Attributes& attributes, Results results) {
  std::vector<double> y = multiply(*inputs[0], *inputs[1], attributes, results[0].type);
  const bool is_f32 = results[0].type.element == ElementType::kF32;
  const auto rounded = [is_f32](double x) { return is_f32 ? rounded_to_f32(x) : x; };
  const double alpha = static_cast<float>(attributes.number("alpha", 1));
  for (double& element : y) element = rounded(rounded(element) * alpha);
  if (inputs.size() == 3) {
    const std::vector<double> bias = numbers_of(*inputs[2]);
    for (size_t i = 0; i < y.size(); ++i) y[i] = rounded(y[i] + bias[i % bias.size()]);
  }
  // A NaN stays, as in relu.
  const bool has_relu = attributes.flag("relu");
  for (double& element : y) element = has_relu && element <= 0 ? 0 : element;
  put_numbers(y, results[0]);
}

void matmul_sgd_update(Operands inputs, const Attributes& attributes, Results results) {
  const std::vector<double> g = multiply(*inputs[1], *inputs[2], attributes, results[0].type);
  const double learning_rate = attributes.number("learning_rate", 0);
  const auto w = inputs[0]->as<float>();
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = static_cast<float>(w[i] - learning_rate * rounded_to_f32(g[i]));
  }
}

}  // namespace graphrt::reference
