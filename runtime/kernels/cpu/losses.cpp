// Losses that are a mean over elements, and what clips gradients by their norm.
#include <cmath>
#include <functional>
#include <limits>

#include "runtime/kernels/cpu/combine_terms.h"
#include "runtime/kernels/cpu/elementwise.h"

namespace graphrt::cpu {
namespace {

/// In double: a sum of many floats in float loses more digits than users expect.
template <class Term>
double sum_of(int64_t num_terms, Term term) {
  return combine_terms(num_terms, 0.0, std::plus<>(), term);
}

/// The mean of loss(a, b) over the elements of both operands, stored as T.
template <class T, class Loss>
class MeanLossKernel : public PreparedKernel {
 public:
  MeanLossKernel(int64_t num_elements, Loss loss) : num_elements_(num_elements), loss_(loss) {}

  void run(const KernelArguments& at) const override {
    const auto* a = elements<T>(at.inputs[0]);
    const auto* b = elements<T>(at.inputs[1]);
    const double total =
        sum_of(num_elements_, [&](int64_t i) { return loss_(widened(a[i]), widened(b[i])); });
    *elements<float>(at.result()) = static_cast<float>(total / static_cast<double>(num_elements_));
  }

 private:
  int64_t num_elements_;
  Loss loss_;
};

template <class Loss>
KernelResult make_mean_loss(const KernelSpec& spec, Loss loss) {
  return by_float(spec.inputs[0], [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<MeanLossKernel<T, Loss>>(spec.inputs[0].num_elements(), loss);
  });
}

/// The sum of all squares, or its root: which a float holds where it does not hold the sum.
template <class T>
class SumOfSquaresKernel : public PreparedKernel {
 public:
  SumOfSquaresKernel(int64_t num_elements, bool takes_root)
      : num_elements_(num_elements), takes_root_(takes_root) {}

  void run(const KernelArguments& at) const override {
    const auto* x = elements<T>(at.inputs[0]);
    const auto square = [x](int64_t i) {
      return static_cast<double>(widened(x[i])) * widened(x[i]);
    };
    const double total = sum_of(num_elements_, square);
    *elements<float>(at.result()) = static_cast<float>(takes_root_ ? std::sqrt(total) : total);
  }

 private:
  int64_t num_elements_;
  bool takes_root_;
};

KernelResult make_sum_of_squares(const KernelSpec& spec, bool takes_root) {
  return by_float(spec.inputs[0], [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<SumOfSquaresKernel<T>>(spec.inputs[0].num_elements(), takes_root);
  });
}

/// An infinite norm gives NaN: training that went wrong must show, and with a factor of 0 it would
/// stand still. A NaN stays.
float clip_factor(float norm, float max_norm) {
  if (std::isinf(norm)) return std::numeric_limits<float>::quiet_NaN();
  return norm <= max_norm ? 1.0F : max_norm / norm;
}

}  // namespace

KernelResult prepare_mse(const KernelSpec& spec) {
  return make_mean_loss(spec, [](double prediction, double target) {
    return (prediction - target) * (prediction - target);
  });
}

KernelResult prepare_binary_cross_entropy(const KernelSpec& spec) {
  // -t log(s(z)) - (1 - t) log(1 - s(z)) for the sigmoid s. What the target misses 1 or 0 by is
  // taken first, so that large products do not cancel out; of an infinite logit without a miss,
  // nothing is left.
  return make_mean_loss(spec, [](float logit, float target) {
    const float size = std::abs(logit);
    const float miss = logit >= 0 ? 1 - target : target;
    return (miss == 0 ? 0.0F : miss * size) + std::log1p(std::exp(-size));
  });
}

KernelResult prepare_sum_of_squares(const KernelSpec& spec) {
  return make_sum_of_squares(spec, false);
}

KernelResult prepare_norm(const KernelSpec& spec) { return make_sum_of_squares(spec, true); }

KernelResult prepare_clip_factor(const KernelSpec& spec) {
  const auto max_norm = static_cast<float>(spec.attributes.number("max_norm", 0));
  if (spec.attributes.flag("of_norm")) {
    return make_map(spec, [max_norm](float norm) { return clip_factor(norm, max_norm); });
  }
  return make_map(spec, [max_norm](float sum_of_squares) {
    return clip_factor(std::sqrt(sum_of_squares), max_norm);
  });
}

}  // namespace graphrt::cpu
