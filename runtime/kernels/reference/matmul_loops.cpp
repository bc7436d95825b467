// Products of matrices. A node that does more than the product rounds where separate operators
// would round: a pass that joins them changes no number.
#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// Row-major element (row, column) of a matrix, or of its transpose.
struct MatrixView {
  const float* elements;
  int64_t num_columns;
  bool is_transposed;
  double at(int64_t row, int64_t column) const {
    return is_transposed ? elements[column * num_columns + row]
                         : elements[row * num_columns + column];
  }
};

void multiply(const Tensor& left, const Tensor& right, const Attributes& attributes,
              Tensor& result) {
  const Shape& shape = result.type.shape;
  const Shape& shape_a = left.type.shape;
  const Shape& shape_b = right.type.shape;
  const bool transpose_a = attributes.flag("transpose_a");
  const int64_t m = shape[shape.size() - 2];
  const int64_t n = shape[shape.size() - 1];
  const int64_t k = shape_a[shape_a.size() - (transpose_a ? 2 : 1)];
  const int64_t num_products = result.type.num_elements() / (m * n);
  float* y = result.as<float>().data();
  for (int64_t product = 0; product < num_products; ++product) {
    const MatrixView a{left.as<float>().data() + product * m * k, shape_a.back(), transpose_a};
    const MatrixView b{right.as<float>().data() + product * k * n, shape_b.back(),
                       attributes.flag("transpose_b")};
    for (int64_t row = 0; row < m; ++row) {
      for (int64_t column = 0; column < n; ++column) {
        double total = 0;
        for (int64_t i = 0; i < k; ++i) total += a.at(row, i) * b.at(i, column);
        y[(product * m + row) * n + column] = static_cast<float>(total);
      }
    }
  }
}

}  // namespace

void matmul(Operands inputs, const Attributes& attributes, Results results) {
  multiply(*inputs[0], *inputs[1], attributes, results[0]);
  const auto y = results[0].as<float>();
  const double alpha = static_cast<float>(attributes.number("alpha", 1));
  for (float& element : y) element = static_cast<float>(element * alpha);
  if (inputs.size() == 3) {
    const auto bias = inputs[2]->as<float>();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = static_cast<float>(double{y[i]} + bias[i % bias.size()]);
    }
  }
  if (!attributes.flag("relu")) return;
  // A NaN stays, as in relu.
  for (float& element : y) element = element <= 0 ? 0.0F : element;
}

void matmul_sgd_update(Operands inputs, const Attributes& attributes, Results results) {
  Tensor gradient = zeros(results[0].type);
  multiply(*inputs[1], *inputs[2], attributes, gradient);
  const double learning_rate = attributes.number("learning_rate", 0);
  const auto w = inputs[0]->as<float>();
  const auto g = gradient.as<float>();
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(w[i] - learning_rate * g[i]);
}

}  // namespace graphrt::reference
