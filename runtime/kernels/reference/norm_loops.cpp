// Norms over the last dimension. With the deviations d = x - mean of a row, or d = x for the root
// mean square, xhat = d / sqrt(mean(d^2) + epsilon).
#include <cmath>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

using Row = std::vector<double>;

double mean_of(const Row& row) {
  double total = 0;
  for (const double x : row) total += x;
  return total / static_cast<double>(row.size());
}

double mean_of_products(const Row& a, const Row& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += a[i] * b[i];
  return total / static_cast<double>(a.size());
}

Row row_at(const Row& numbers, size_t row, size_t size) {
  const auto elements = std::span(numbers).subspan(row * size, size);
  return {elements.begin(), elements.end()};
}

/// A row and what it is divided by.
struct NormalRow {
  Row xhat;
  double deviation;
};

NormalRow normalize(Row row, double epsilon) {
  const double deviation = std::sqrt(mean_of_products(row, row) + epsilon);
  for (double& x : row) x /= deviation;
  return {std::move(row), deviation};
}

NormalRow normalize_about_mean(Row row, double epsilon) {
  const double mean = mean_of(row);
  for (double& x : row) x -= mean;
  return normalize(std::move(row), epsilon);
}

using Normalize = NormalRow (*)(Row row, double epsilon);

constexpr double kLayerEpsilon = 1e-5;
constexpr double kRmsEpsilon = 1e-6;

/// xhat * gamma (+ beta).
void norm(Operands inputs, Tensor& result, Normalize normalized, double epsilon) {
  const Row x = numbers_of(*inputs[0]);
  const Row gamma = numbers_of(*inputs[1]);
  const Row beta = inputs.size() > 2 ? numbers_of(*inputs[2]) : Row(gamma.size(), 0);
  Row y(x.size());
  for (size_t row = 0; row < y.size() / gamma.size(); ++row) {
    const Row xhat = normalized(row_at(x, row, gamma.size()), epsilon).xhat;
    for (size_t i = 0; i < gamma.size(); ++i) {
      y[row * gamma.size() + i] = xhat[i] * gamma[i] + beta[i];
    }
  }
  put_numbers(y, result);
}

/// With u = gradient * gamma: (u - mean(u) - xhat * mean(u * xhat)) / deviation; a norm that takes
/// no mean away lets mean(u) stay. An addend comes on top.
void norm_grad(Operands inputs, Tensor& result, Normalize normalized, double epsilon) {
  const Row gradient = numbers_of(*inputs[0]);
  const Row x = numbers_of(*inputs[1]);
  const Row gamma = numbers_of(*inputs[2]);
  const Row addend = inputs.size() > 3 ? numbers_of(*inputs[3]) : Row(x.size(), 0);
  Row y(x.size());
  for (size_t row = 0; row < y.size() / gamma.size(); ++row) {
    const NormalRow normal = normalized(row_at(x, row, gamma.size()), epsilon);
    Row u = row_at(gradient, row, gamma.size());
    for (size_t i = 0; i < u.size(); ++i) u[i] *= gamma[i];
    const double offset = normalized == normalize_about_mean ? mean_of(u) : 0;
    const double slope = mean_of_products(u, normal.xhat);
    for (size_t i = 0; i < u.size(); ++i) {
      const double own = (u[i] - offset - normal.xhat[i] * slope) / normal.deviation;
      y[row * gamma.size() + i] = own + addend[row * gamma.size() + i];
    }
  }
  put_numbers(y, result);
}

/// The sum over rows of gradient * xhat.
void norm_scale_grad(Operands inputs, Tensor& result, Normalize normalized, double epsilon) {
  const Row gradient = numbers_of(*inputs[0]);
  const Row x = numbers_of(*inputs[1]);
  const auto size = static_cast<size_t>(result.type.num_elements());
  Row totals(size, 0);
  for (size_t row = 0; row < gradient.size() / size; ++row) {
    const Row xhat = normalized(row_at(x, row, size), epsilon).xhat;
    for (size_t i = 0; i < size; ++i) totals[i] += gradient[row * size + i] * xhat[i];
  }
  put_numbers(totals, result);
}

}  // namespace

void layer_norm(Operands inputs, const Attributes& attributes, Results results) {
  norm(inputs, results[0], normalize_about_mean, attributes.number("epsilon", kLayerEpsilon));
}

void layer_norm_grad(Operands inputs, const Attributes& attributes, Results results) {
  norm_grad(inputs, results[0], normalize_about_mean, attributes.number("epsilon", kLayerEpsilon));
}

void layer_norm_scale_grad(Operands inputs, const Attributes& attributes, Results results) {
  norm_scale_grad(inputs, results[0], normalize_about_mean,
                  attributes.number("epsilon", kLayerEpsilon));
}

void rms_norm(Operands inputs, const Attributes& attributes, Results results) {
  norm(inputs, results[0], normalize, attributes.number("epsilon", kRmsEpsilon));
}

void rms_norm_grad(Operands inputs, const Attributes& attributes, Results results) {
  norm_grad(inputs, results[0], normalize, attributes.number("epsilon", kRmsEpsilon));
}

void rms_norm_scale_grad(Operands inputs, const Attributes& attributes, Results results) {
  norm_scale_grad(inputs, results[0], normalize, attributes.number("epsilon", kRmsEpsilon));
}

}  // namespace graphrt::reference
