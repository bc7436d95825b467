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

Row row_at(const Tensor& tensor, size_t row, size_t size) {
  const auto elements = tensor.as<float>().subspan(row * size, size);
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
  const auto gamma = inputs[1]->as<float>();
  const auto y = result.as<float>();
  for (size_t row = 0; row < y.size() / gamma.size(); ++row) {
    const Row xhat = normalized(row_at(*inputs[0], row, gamma.size()), epsilon).xhat;
    for (size_t i = 0; i < gamma.size(); ++i) {
      const double shift = inputs.size() > 2 ? inputs[2]->as<float>()[i] : 0;
      y[row * gamma.size() + i] = static_cast<float>(xhat[i] * gamma[i] + shift);
    }
  }
}

/// With u = gradient * gamma: (u - mean(u) - xhat * mean(u * xhat)) / deviation; a norm that takes
/// no mean away lets mean(u) stay.
void norm_grad(Operands inputs, Tensor& result, Normalize normalized, double epsilon) {
  const auto gamma = inputs[2]->as<float>();
  const auto y = result.as<float>();
  for (size_t row = 0; row < y.size() / gamma.size(); ++row) {
    const NormalRow normal = normalized(row_at(*inputs[1], row, gamma.size()), epsilon);
    Row u = row_at(*inputs[0], row, gamma.size());
    for (size_t i = 0; i < u.size(); ++i) u[i] *= gamma[i];
    const double offset = normalized == normalize_about_mean ? mean_of(u) : 0;
    const double slope = mean_of_products(u, normal.xhat);
    for (size_t i = 0; i < u.size(); ++i) {
      const double gradient = (u[i] - offset - normal.xhat[i] * slope) / normal.deviation;
      y[row * gamma.size() + i] = static_cast<float>(gradient);
    }
  }
}

/// The sum over rows of gradient * xhat.
void norm_scale_grad(Operands inputs, Tensor& result, Normalize normalized, double epsilon) {
  const auto gradient = inputs[0]->as<float>();
  const auto y = result.as<float>();
  Row totals(y.size(), 0);
  for (size_t row = 0; row < gradient.size() / y.size(); ++row) {
    const Row xhat = normalized(row_at(*inputs[1], row, y.size()), epsilon).xhat;
    for (size_t i = 0; i < y.size(); ++i) totals[i] += gradient[row * y.size() + i] * xhat[i];
  }
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(totals[i]);
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
