// Products of matrices. Of f32, a node that does more than the product rounds where separate
// operators would round: a pass that joins them changes no number. Elements of 16 bits are rounded
// once, at the end.
#include <numeric>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// A matrix of `num_rows` x `num_columns` row by row, whether it is stored so or as its transpose:
/// sums of products then run along memory.
std::vector<double> rows_of(const double* elements, int64_t num_rows, int64_t num_columns,
                            bool is_stored_transposed) {
  if (!is_stored_transposed) return {elements, elements + num_rows * num_columns};
  std::vector<double> rows;
  rows.reserve(static_cast<size_t>(num_rows * num_columns));
  for (int64_t row = 0; row < num_rows; ++row) {
    for (int64_t column = 0; column < num_columns; ++column) {
      rows.push_back(elements[column * num_rows + row]);
    }
  }
  return rows;
}

/// The sums, for a result of type `result`.
std::vector<double> multiply(const Tensor& left, const Tensor& right, const Attributes& attributes,
                             const TensorType& result) {
  const Shape& shape = result.shape;
  const Shape& shape_a = left.type.shape;
  const bool transpose_a = attributes.flag("transpose_a");
  const int64_t m = shape[shape.size() - 2];
  const int64_t n = shape[shape.size() - 1];
  const int64_t k = shape_a[shape_a.size() - (transpose_a ? 2 : 1)];
  const int64_t num_products = result.num_elements() / (m * n);
  const std::vector<double> all_a = numbers_of(left);
  const std::vector<double> all_b = numbers_of(right);
  std::vector<double> y;
  for (int64_t product = 0; product < num_products; ++product) {
    const std::vector<double> a = rows_of(all_a.data() + product * m * k, m, k, transpose_a);
    const std::vector<double> columns_of_b =
        rows_of(all_b.data() + product * k * n, n, k, !attributes.flag("transpose_b"));
    for (int64_t row = 0; row < m; ++row) {
      for (int64_t column = 0; column < n; ++column) {
        y.push_back(std::inner_product(a.begin() + row * k, a.begin() + (row + 1) * k,
                                       columns_of_b.begin() + column * k, 0.0));
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
  for (size_t operand = 2; operand < inputs.size(); ++operand) {
    // A bias repeats for every row.
    const std::vector<double> added = numbers_of(*inputs[operand]);
    for (size_t i = 0; i < y.size(); ++i) y[i] = rounded(y[i] + added[i % added.size()]);
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
