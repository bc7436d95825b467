// Losses that are a mean over elements or rows, their gradients, and what clips gradients.
#include <cmath>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// How far the target is from what a logit without bounds would say: 1 or 0, by its sign.
double miss_of(double logit, double target) { return logit >= 0 ? 1 - target : target; }

/// -t log(s(z)) - (1 - t) log(1 - s(z)) for the sigmoid s. What is hit leaves nothing of the logit,
/// infinite or not.
double binary_loss(double z, double t) {
  const double miss = miss_of(z, t);
  return (miss == 0 ? 0 : miss * std::abs(z)) + std::log1p(std::exp(-std::abs(z)));
}

/// s(z) - t. Where s(z) is near 1, 1 - s(z) is computed instead: it keeps its digits.
double binary_gradient(double z, double t) {
  const double power = std::exp(-std::abs(z));
  const double rest = power / (1 + power);
  return z >= 0 ? miss_of(z, t) - rest : rest - t;
}

/// `scale`, by default one over the number of elements, times the operand behind both tensors, if
/// there is one.
double gradient_scale(Operands inputs, const Attributes& attributes) {
  const double mean = 1 / static_cast<double>(inputs[0]->type.num_elements());
  const double factor = inputs.size() > 2 ? inputs[2]->as<float>()[0] : 1;
  return attributes.number("scale", mean) * factor;
}

/// The lowest index of the largest element; a NaN is larger than all numbers.
size_t largest_index(std::span<const double> row) {
  size_t best = 0;
  for (size_t i = 1; i < row.size() && !std::isnan(row[best]); ++i) {
    if (std::isnan(row[i]) || row[i] > row[best]) best = i;
  }
  return best;
}

double total_of_squares(const Tensor& tensor) {
  double total = 0;
  for (const double x : numbers_of(tensor)) total += x * x;
  return total;
}

}  // namespace

void accuracy(Operands inputs, const Attributes& attributes, Results results) {
  const std::vector<double> logits = numbers_of(*inputs[0]);
  const std::vector<int64_t> label = integers_of(*inputs[1]);
  const size_t num_classes = logits.size() / label.size();
  double num_right = 0;
  double num_counted = 0;
  for (size_t i = 0; i < label.size(); ++i) {
    if (is_ignored(label[i], attributes)) continue;
    ++num_counted;
    const size_t best = largest_index(std::span(logits).subspan(i * num_classes, num_classes));
    if (static_cast<int64_t>(best) == label[i]) ++num_right;
  }
  const double share = num_right / num_counted;
  results[0].as<float>()[0] = static_cast<float>(is_sum(attributes) ? num_right : share);
}

void binary_cross_entropy(Operands inputs, const Attributes&, Results results) {
  const std::vector<double> logit = numbers_of(*inputs[0]);
  const std::vector<double> target = numbers_of(*inputs[1]);
  double total = 0;
  for (size_t i = 0; i < logit.size(); ++i) {
    total += binary_loss(logit[i], target[i]);
  }
  results[0].as<float>()[0] = static_cast<float>(total / static_cast<double>(logit.size()));
}

void binary_cross_entropy_grad(Operands inputs, const Attributes& attributes, Results results) {
  const double scale = gradient_scale(inputs, attributes);
  const std::vector<double> logit = numbers_of(*inputs[0]);
  const std::vector<double> target = numbers_of(*inputs[1]);
  std::vector<double> y(logit.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = scale * binary_gradient(logit[i], target[i]);
  put_numbers(y, results[0]);
}

void clip_factor(Operands inputs, const Attributes& attributes, Results results) {
  const double max_norm = attributes.number("max_norm", 0);
  const double operand = inputs[0]->as<float>()[0];
  const double norm = attributes.flag("of_norm") ? operand : std::sqrt(operand);
  // A NaN stays, and an infinite norm gives one: training that went wrong must show.
  const double factor = std::isinf(norm) ? std::nan("") : max_norm / norm;
  results[0].as<float>()[0] = norm <= max_norm ? 1.0F : static_cast<float>(factor);
}

void mse(Operands inputs, const Attributes&, Results results) {
  const std::vector<double> prediction = numbers_of(*inputs[0]);
  const std::vector<double> target = numbers_of(*inputs[1]);
  double total = 0;
  for (size_t i = 0; i < target.size(); ++i) {
    const double difference = prediction[i] - target[i];
    total += difference * difference;
  }
  results[0].as<float>()[0] = static_cast<float>(total / static_cast<double>(target.size()));
}

void mse_grad(Operands inputs, const Attributes& attributes, Results results) {
  const double scale = gradient_scale(inputs, attributes);
  const std::vector<double> prediction = numbers_of(*inputs[0]);
  const std::vector<double> target = numbers_of(*inputs[1]);
  std::vector<double> y(target.size());
  for (size_t i = 0; i < y.size(); ++i) y[i] = 2 * scale * (prediction[i] - target[i]);
  put_numbers(y, results[0]);
}

void norm(Operands inputs, const Attributes&, Results results) {
  results[0].as<float>()[0] = static_cast<float>(std::sqrt(total_of_squares(*inputs[0])));
}

void sum_of_squares(Operands inputs, const Attributes&, Results results) {
  results[0].as<float>()[0] = static_cast<float>(total_of_squares(*inputs[0]));
}

}  // namespace graphrt::reference
