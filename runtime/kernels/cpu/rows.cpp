// Operators that look at one row at a time, a row being all elements along one axis.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/combine_terms.h"
#include "runtime/kernels/cpu/prepare.h"
#include "runtime/kernels/cpu/vector_functions.h"

namespace graphrt::cpu {
namespace {

/// Where the rows of a tensor start: row (o, n) at o * size * inner + n, with a stride of `inner`.
template <class Body>
void for_each_row(const AxisSplit& split, Body body) {
  for (int64_t o = 0; o < split.outer; ++o) {
    for (int64_t n = 0; n < split.inner; ++n) body(o * split.size * split.inner + n);
  }
}

float largest_of(const float* row, int64_t size, int64_t stride) {
  float largest = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < size; ++i) largest = std::max(largest, row[i * stride]);
  return largest;
}

/// y = exp(x - max(x)); returns the sum of y.
double exponentials(const float* x, float* y, int64_t size, int64_t stride) {
  const float largest = largest_of(x, size, stride);
  for (int64_t i = 0; i < size; ++i) y[i * stride] = x[i * stride] - largest;
  if (stride == 1) {
    exp_each(y, y, size);
  } else {
    for (int64_t i = 0; i < size; ++i) y[i * stride] = std::exp(y[i * stride]);
  }
  double total = 0;
  for (int64_t i = 0; i < size; ++i) total += y[i * stride];
  return total;
}

void softmax_of(const float* x, float* y, int64_t size, int64_t stride) {
  const double total = exponentials(x, y, size, stride);
  const auto factor = static_cast<float>(1 / total);
  for (int64_t i = 0; i < size; ++i) y[i * stride] *= factor;
}

class SoftmaxKernel : public PreparedKernel {
 public:
  explicit SoftmaxKernel(const AxisSplit& split) : split_(split) {}

  void run(const KernelArguments& at) const override {
    const auto* x = elements<float>(at.inputs[0]);
    auto* y = elements<float>(at.result());
    for_each_row(split_, [&](int64_t start) {
      softmax_of(x + start, y + start, split_.size, split_.inner);
    });
  }

 private:
  AxisSplit split_;
};

/// Row i of every matrix uses its columns 0 .. i; the others are 0 in the result.
class CausalSoftmaxKernel : public PreparedKernel {
 public:
  explicit CausalSoftmaxKernel(const Shape& shape)
      : num_rows_(shape[shape.size() - 2]), split_(split_at(shape, -1)) {}

  void run(const KernelArguments& at) const override {
    const auto* x = elements<float>(at.inputs[0]);
    auto* y = elements<float>(at.result());
    for (int64_t row = 0; row < split_.outer; ++row) {
      const int64_t num_used = std::min(row % num_rows_ + 1, split_.size);
      const int64_t start = row * split_.size;
      softmax_of(x + start, y + start, num_used, 1);
      std::fill(y + start + num_used, y + start + split_.size, 0.0F);
    }
  }

 private:
  int64_t num_rows_;
  AxisSplit split_;
};

/// y * (gradient - sum(gradient * y)).
class SoftmaxGradKernel : public PreparedKernel {
 public:
  explicit SoftmaxGradKernel(const AxisSplit& split) : split_(split) {}

  void run(const KernelArguments& at) const override {
    const auto* gradient = elements<float>(at.inputs[0]);
    const auto* y = elements<float>(at.inputs[1]);
    auto* result = elements<float>(at.result());
    for_each_row(split_,
                 [&](int64_t start) { run_row(gradient + start, y + start, result + start); });
  }

 private:
  void run_row(const float* gradient, const float* y, float* result) const {
    const double total = combine_terms(split_.size, 0.0, std::plus<>(), [&](int64_t i) {
      const int64_t at = i * split_.inner;
      return static_cast<double>(gradient[at]) * static_cast<double>(y[at]);
    });
    // In double: the difference may cancel out, or be too large for f32.
    for (int64_t i = 0; i < split_.size; ++i) {
      const int64_t at = i * split_.inner;
      result[at] = static_cast<float>(y[at] * (gradient[at] - total));
    }
  }

  AxisSplit split_;
};

bool is_class(int32_t label, int64_t num_classes) { return label >= 0 && label < num_classes; }

/// The mean over rows of log(sum(exp(row))) - row[label]. A label that names no class makes the
/// loss NaN: visible, where reading past the row would not be.
class CrossEntropyKernel : public PreparedKernel {
 public:
  explicit CrossEntropyKernel(const Shape& logits)
      : num_rows_(logits[0]), num_classes_(logits[1]) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<float>(at.inputs[0]);
    const auto* label = elements<int32_t>(at.inputs[1]);
    double total = 0;
    for (int64_t i = 0; i < num_rows_; ++i) {
      total += row_loss(logits + i * num_classes_, label[i]);
    }
    *elements<float>(at.result()) = static_cast<float>(total / static_cast<double>(num_rows_));
  }

 private:
  double row_loss(const float* row, int32_t label) const {
    if (!is_class(label, num_classes_)) return std::numeric_limits<double>::quiet_NaN();
    const float largest = largest_of(row, num_classes_, 1);
    double total = 0;
    for (int64_t j = 0; j < num_classes_; ++j) total += std::exp(row[j] - largest);
    return std::log(total) + (static_cast<double>(largest) - static_cast<double>(row[label]));
  }

  int64_t num_rows_;
  int64_t num_classes_;
};

/// (softmax - onehot(label)) * scale; NaN in rows whose label names no class.
class CrossEntropyGradKernel : public PreparedKernel {
 public:
  CrossEntropyGradKernel(const Shape& logits, float scale)
      : num_rows_(logits[0]), num_classes_(logits[1]), scale_(scale) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<float>(at.inputs[0]);
    const auto* label = elements<int32_t>(at.inputs[1]);
    for (int64_t i = 0; i < num_rows_; ++i) {
      run_row(logits + i * num_classes_, label[i], elements<float>(at.result()) + i * num_classes_);
    }
  }

 private:
  void run_row(const float* x, int32_t label, float* y) const {
    if (!is_class(label, num_classes_)) {
      std::fill_n(y, num_classes_, std::numeric_limits<float>::quiet_NaN());
      return;
    }
    const double total = exponentials(x, y, num_classes_, 1);
    const auto factor = static_cast<float>(1 / total);
    for (int64_t j = 0; j < num_classes_; ++j) {
      y[j] = (y[j] * factor - (j == label ? 1.0F : 0.0F)) * scale_;
    }
  }

  int64_t num_rows_;
  int64_t num_classes_;
  float scale_;
};

/// The index of the largest element; the lowest of equals. A NaN is larger than every number.
template <class T>
int32_t index_of_largest(const T* row, int64_t size, int64_t stride) {
  int64_t best = 0;
  for (int64_t i = 1; i < size; ++i) {
    const T largest = row[best * stride];
    if (largest != largest) break;
    const T x = row[i * stride];
    if (x > largest || x != x) best = i;
  }
  return static_cast<int32_t>(best);
}

template <class T>
class ArgmaxKernel : public PreparedKernel {
 public:
  explicit ArgmaxKernel(const AxisSplit& split) : split_(split) {}

  void run(const KernelArguments& at) const override {
    const T* x = elements<T>(at.inputs[0]);
    auto* y = elements<int32_t>(at.result());
    for_each_row(split_, [&](int64_t start) {
      *y++ = index_of_largest(x + start, split_.size, split_.inner);
    });
  }

 private:
  AxisSplit split_;
};

/// The share of rows whose largest element is the label's. A label that names no class is wrong.
class AccuracyKernel : public PreparedKernel {
 public:
  explicit AccuracyKernel(const Shape& logits) : num_rows_(logits[0]), num_classes_(logits[1]) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<float>(at.inputs[0]);
    const auto* label = elements<int32_t>(at.inputs[1]);
    int64_t num_right = 0;
    for (int64_t i = 0; i < num_rows_; ++i) {
      const int32_t best = index_of_largest(logits + i * num_classes_, num_classes_, 1);
      num_right += best == label[i] ? 1 : 0;
    }
    const double share = static_cast<double>(num_right) / static_cast<double>(num_rows_);
    *elements<float>(at.result()) = static_cast<float>(share);
  }

 private:
  int64_t num_rows_;
  int64_t num_classes_;
};

}  // namespace

KernelResult prepare_softmax(const KernelSpec& spec) {
  if (spec.attributes.flag("causal")) {
    return std::make_unique<CausalSoftmaxKernel>(spec.result().shape);
  }
  return std::make_unique<SoftmaxKernel>(
      split_at(spec.result().shape, spec.attributes.integer("axis", -1)));
}

KernelResult prepare_softmax_grad(const KernelSpec& spec) {
  return std::make_unique<SoftmaxGradKernel>(
      split_at(spec.result().shape, spec.attributes.integer("axis", -1)));
}

KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec) {
  return std::make_unique<CrossEntropyKernel>(spec.inputs[0].shape);
}

KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec) {
  const double mean = 1 / static_cast<double>(spec.result().shape[0]);
  const double scale = spec.attributes.number("scale", mean);
  return std::make_unique<CrossEntropyGradKernel>(spec.result().shape, static_cast<float>(scale));
}

KernelResult prepare_argmax(const KernelSpec& spec) {
  const TensorType& input = spec.inputs[0];
  const AxisSplit split = split_at(input.shape, spec.attributes.integer("axis", -1));
  if (is_float(input.element)) return std::make_unique<ArgmaxKernel<float>>(split);
  return std::make_unique<ArgmaxKernel<int32_t>>(split);
}

KernelResult prepare_accuracy(const KernelSpec& spec) {
  return std::make_unique<AccuracyKernel>(spec.inputs[0].shape);
}

}  // namespace graphrt::cpu
