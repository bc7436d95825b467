// What optimizers do to a state in every step.
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

/// What the gradient is multiplied with: the last operand, if the update is `scaled`. That operand
/// is taken off.
double take_factor(Operands& inputs, const Attributes& attributes) {
  if (!attributes.flag("scaled") && !attributes.flag("skips")) return 1;
  const double factor = inputs.back()->as<float>()[0];
  inputs = inputs.first(inputs.size() - 1);
  return attributes.flag("scaled") ? factor : 1;
}

/// Whether the update leaves its state as it is, because the last operand is NaN; then it is
/// copied.
bool is_skipped(Operands inputs, const Attributes& attributes, Results results) {
  if (!attributes.flag("skips") || !std::isnan(inputs.back()->as<float>()[0])) return false;
  results[0].data = inputs[0]->data;
  return true;
}

/// The rate of an update: its operand number `index` if it has one, else `learning_rate`.
double rate_of(Operands inputs, size_t index, const Attributes& attributes) {
  if (inputs.size() > index) return inputs[index]->as<float>()[0];
  return attributes.number("learning_rate", 0);
}

/// An average of squares that is outside of what f32 holds is stored as minus its root.
float stored_square(double square) {
  using Limits = std::numeric_limits<float>;
  const bool is_outside = square > 0 && (square < Limits::min() || square > Limits::max());
  if (is_outside && std::isfinite(square)) return static_cast<float>(-std::sqrt(square));
  return static_cast<float>(square);
}

double square_stored_as(float stored) {
  const double number = stored;
  return number < 0 ? number * number : number;
}

double rate_at(int64_t step, const Attributes& attributes) {
  const double base = attributes.number("base", 0);
  const int64_t warmup_steps = attributes.integer("warmup_steps", 0);
  if (step < warmup_steps) {
    return base * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  }
  const int64_t num_steps = step - warmup_steps;
  if (const int64_t every = attributes.integer("decay_every", 0); every > 0) {
    const int64_t num_decays = num_steps / every;
    return base * std::pow(attributes.number("decay_factor", 1), static_cast<double>(num_decays));
  }
  const int64_t cosine_steps = attributes.integer("cosine_steps", 0);
  if (cosine_steps == 0) return base;
  const double last = attributes.number("final", 0);
  if (num_steps >= cosine_steps) return last;
  const double progress = static_cast<double>(num_steps) / static_cast<double>(cosine_steps);
  return last + (base - last) * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace

void sgd_update(Operands inputs, const Attributes& attributes, Results results) {
  if (is_skipped(inputs, attributes, results)) return;
  const double factor = take_factor(inputs, attributes);
  const double rate = rate_of(inputs, 2, attributes);
  const double weight_decay = attributes.number("weight_decay", 0);
  const auto w = inputs[0]->as<float>();
  const std::vector<double> g = numbers_of(*inputs[1]);
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    // Without decay the weight plays no part: it may be infinite.
    const double decay = weight_decay == 0 ? 0 : weight_decay * w[i];
    y[i] = static_cast<float>(w[i] - rate * (factor * g[i] + decay));
  }
}

void momentum_update(Operands inputs, const Attributes& attributes, Results results) {
  if (is_skipped(inputs, attributes, results)) return;
  const double factor = take_factor(inputs, attributes);
  const double momentum = attributes.number("momentum", 0);
  const double weight_decay = attributes.number("weight_decay", 0);
  const auto v = inputs[0]->as<float>();
  const std::vector<double> g = numbers_of(*inputs[1]);
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    const double decay = weight_decay == 0 ? 0 : weight_decay * inputs[2]->as<float>()[i];
    y[i] = static_cast<float>(momentum * v[i] + (factor * g[i] + decay));
  }
}

void moving_average(Operands inputs, const Attributes& attributes, Results results) {
  if (is_skipped(inputs, attributes, results)) return;
  const double factor = take_factor(inputs, attributes);
  const double decay = attributes.number("decay", 0);
  const auto m = inputs[0]->as<float>();
  const std::vector<double> x = numbers_of(*inputs[1]);
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    y[i] = static_cast<float>(decay * m[i] + (1 - decay) * (factor * x[i]));
  }
}

void moving_average_of_squares(Operands inputs, const Attributes& attributes, Results results) {
  if (is_skipped(inputs, attributes, results)) return;
  const double factor = take_factor(inputs, attributes);
  const double decay = attributes.number("decay", 0);
  const auto v = inputs[0]->as<float>();
  const std::vector<double> x = numbers_of(*inputs[1]);
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    const double scaled = factor * x[i];
    y[i] = stored_square(decay * square_stored_as(v[i]) + (1 - decay) * scaled * scaled);
  }
}

void adam_update(Operands inputs, const Attributes& attributes, Results results) {
  if (inputs[3]->as<int32_t>()[0] < 0) {
    results[0].data = inputs[0]->data;
    return;
  }
  const double step_number = 1.0 + inputs[3]->as<int32_t>()[0];
  const double rate = rate_of(inputs, 4, attributes);
  const double m_share = 1 - std::pow(attributes.number("beta1", 0.9), step_number);
  const double v_share = 1 - std::pow(attributes.number("beta2", 0.999), step_number);
  const double epsilon = attributes.number("epsilon", 1e-8);
  const double weight_decay = attributes.number("weight_decay", 0);
  const auto w = inputs[0]->as<float>();
  const auto m = inputs[1]->as<float>();
  const auto v = inputs[2]->as<float>();
  const auto y = results[0].as<float>();
  for (size_t i = 0; i < y.size(); ++i) {
    const double square = square_stored_as(v[i]) / v_share;
    const double direction = m[i] / m_share / (std::sqrt(square) + epsilon);
    const double decay = weight_decay == 0 ? 0 : weight_decay * w[i];
    y[i] = static_cast<float>(w[i] - rate * (direction + decay));
  }
}

void adam_step(Operands inputs, const Attributes& attributes, Results results) {
  constexpr size_t kGradient = 3;
  const bool has_factor = attributes.flag("scaled") || attributes.flag("skips");
  const auto next_average = [&](size_t number, const char* beta, double otherwise, auto* average) {
    Attributes of_average;
    of_average.set("decay", attributes.number(beta, otherwise));
    of_average.set("scaled", attributes.flag("scaled"));
    of_average.set("skips", attributes.flag("skips"));
    std::vector<const Tensor*> operands = {inputs[number], inputs[kGradient]};
    if (has_factor) operands.push_back(inputs.back());
    average(operands, of_average, results.subspan(number, 1));
  };
  next_average(1, "beta1", 0.9, moving_average);
  next_average(2, "beta2", 0.999, moving_average_of_squares);
  std::vector<const Tensor*> operands = {inputs[0], &results[1], &results[2]};
  const Operands scalars = inputs.subspan(kGradient + 1);
  operands.insert(operands.end(), scalars.begin(), scalars.end() - (has_factor ? 1 : 0));
  adam_update(operands, attributes, results.first(1));
}

void learning_rate(Operands inputs, const Attributes& attributes, Results results) {
  results[0].as<float>()[0] = static_cast<float>(rate_at(inputs[0]->as<int32_t>()[0], attributes));
}

}  // namespace graphrt::reference
