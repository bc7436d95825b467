// Operators that look at one row at a time, a row being all elements along one axis.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/combine_terms.h"
#include "runtime/kernels/cpu/float_blocks.h"
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

template <class T>
float largest_of(const T* row, int64_t size, int64_t stride) {
  float largest = -std::numeric_limits<float>::infinity();
  for (int64_t i = 0; i < size; ++i) largest = std::max(largest, widened(row[i * stride]));
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

/// use(i, e) for every element of a row of 16-bit elements, with e = exp(x - largest), a block of
/// them at a time: there is no room for all of them as floats.
template <class T, class Use>
void for_each_exponential(const T* x, float largest, int64_t size, int64_t stride, Use use) {
  FloatBlock block;
  for (int64_t begin = 0; begin < size; begin += kFloatBlock) {
    const int64_t length = std::min(kFloatBlock, size - begin);
    for (int64_t i = 0; i < length; ++i) {
      block[static_cast<size_t>(i)] = widened(x[(begin + i) * stride]) - largest;
    }
    exp_each(block.data(), block.data(), length);
    for (int64_t i = 0; i < length; ++i) use(begin + i, block[static_cast<size_t>(i)]);
  }
}

/// finish(i, probability) for every element of a row.
template <class T, class Finish>
void probabilities(const T* x, int64_t size, int64_t stride, Finish finish) {
  const float largest = largest_of(x, size, stride);
  double total = 0;
  for_each_exponential(x, largest, size, stride, [&](int64_t, float e) { total += e; });
  const auto factor = static_cast<float>(1 / total);
  for_each_exponential(x, largest, size, stride,
                       [&](int64_t i, float e) { finish(i, e * factor); });
}

template <class T>
void softmax_of(const T* x, T* y, int64_t size, int64_t stride) {
  if constexpr (std::is_same_v<T, float>) {
    const double total = exponentials(x, y, size, stride);
    const auto factor = static_cast<float>(1 / total);
    for (int64_t i = 0; i < size; ++i) y[i * stride] *= factor;
  } else {
    probabilities(x, size, stride, [&](int64_t i, float share) { y[i * stride] = T(share); });
  }
}

template <class T>
class SoftmaxKernel : public PreparedKernel {
 public:
  explicit SoftmaxKernel(const AxisSplit& split) : split_(split) {}

  void run(const KernelArguments& at) const override {
    const auto* x = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    for_each_row(split_, [&](int64_t start) {
      softmax_of(x + start, y + start, split_.size, split_.inner);
    });
  }

 private:
  AxisSplit split_;
};

/// Row i of every matrix uses its columns 0 .. i; the others are 0 in the result.
template <class T>
class CausalSoftmaxKernel : public PreparedKernel {
 public:
  explicit CausalSoftmaxKernel(const Shape& shape)
      : num_rows_(shape[shape.size() - 2]), split_(split_at(shape, -1)) {}

  void run(const KernelArguments& at) const override {
    const auto* x = elements<T>(at.inputs[0]);
    auto* y = elements<T>(at.result());
    for (int64_t row = 0; row < split_.outer; ++row) {
      const int64_t num_used = std::min(row % num_rows_ + 1, split_.size);
      const int64_t start = row * split_.size;
      softmax_of(x + start, y + start, num_used, 1);
      std::fill(y + start + num_used, y + start + split_.size, T{});
    }
  }

 private:
  int64_t num_rows_;
  AxisSplit split_;
};

/// y * (gradient - sum(gradient * y)).
template <class T>
class SoftmaxGradKernel : public PreparedKernel {
 public:
  explicit SoftmaxGradKernel(const AxisSplit& split) : split_(split) {}

  void run(const KernelArguments& at) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* y = elements<T>(at.inputs[1]);
    auto* result = elements<T>(at.result());
    for_each_row(split_,
                 [&](int64_t start) { run_row(gradient + start, y + start, result + start); });
  }

 private:
  void run_row(const T* gradient, const T* y, T* result) const {
    const double total = combine_terms(split_.size, 0.0, std::plus<>(), [&](int64_t i) {
      const int64_t at = i * split_.inner;
      return static_cast<double>(widened(gradient[at])) * static_cast<double>(widened(y[at]));
    });
    // In double: the difference may cancel out, or be too large for f32.
    for (int64_t i = 0; i < split_.size; ++i) {
      const int64_t at = i * split_.inner;
      result[at] = narrowed<T>(widened(y[at]) * (widened(gradient[at]) - total));
    }
  }

  AxisSplit split_;
};

bool is_class(int64_t label, int64_t num_classes) { return label >= 0 && label < num_classes; }

/// The mean over rows of log(sum(exp(row))) - row[label]. A label that names no class makes the
/// loss NaN: visible, where reading past the row would not be.
template <class T, class Label>
class CrossEntropyKernel : public PreparedKernel {
 public:
  explicit CrossEntropyKernel(const Shape& logits)
      : num_rows_(logits[0]), num_classes_(logits[1]) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
    double total = 0;
    for (int64_t i = 0; i < num_rows_; ++i) {
      total += row_loss(logits + i * num_classes_, label[i]);
    }
    *elements<float>(at.result()) = static_cast<float>(total / static_cast<double>(num_rows_));
  }

 private:
  double row_loss(const T* row, Label label) const {
    if (!is_class(label, num_classes_)) return std::numeric_limits<double>::quiet_NaN();
    const float largest = largest_of(row, num_classes_, 1);
    double total = 0;
    for (int64_t j = 0; j < num_classes_; ++j) total += std::exp(widened(row[j]) - largest);
    return std::log(total) +
           (static_cast<double>(largest) - static_cast<double>(widened(row[label])));
  }

  int64_t num_rows_;
  int64_t num_classes_;
};

/// (softmax - onehot(label)) * scale; NaN in rows whose label names no class.
template <class T, class Label>
class CrossEntropyGradKernel : public PreparedKernel {
 public:
  CrossEntropyGradKernel(const Shape& logits, float scale)
      : num_rows_(logits[0]), num_classes_(logits[1]), scale_(scale) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
    for (int64_t i = 0; i < num_rows_; ++i) {
      run_row(logits + i * num_classes_, label[i], elements<T>(at.result()) + i * num_classes_);
    }
  }

 private:
  void run_row(const T* x, Label label, T* y) const {
    if (!is_class(label, num_classes_)) {
      std::fill_n(y, num_classes_, T(std::numeric_limits<float>::quiet_NaN()));
      return;
    }
    if constexpr (std::is_same_v<T, float>) {
      const double total = exponentials(x, y, num_classes_, 1);
      const auto factor = static_cast<float>(1 / total);
      for (int64_t j = 0; j < num_classes_; ++j) {
        y[j] = (y[j] * factor - (j == label ? 1.0F : 0.0F)) * scale_;
      }
    } else {
      probabilities(x, num_classes_, 1, [&](int64_t j, float share) {
        y[j] = T((share - (j == label ? 1.0F : 0.0F)) * scale_);
      });
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
    const auto largest = widened(row[best * stride]);
    if (largest != largest) break;
    const auto x = widened(row[i * stride]);
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
template <class T, class Label>
class AccuracyKernel : public PreparedKernel {
 public:
  explicit AccuracyKernel(const Shape& logits) : num_rows_(logits[0]), num_classes_(logits[1]) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
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

/// A kernel of logits and labels, which take the same arguments whatever they are stored as.
template <template <class, class> class Kernel, class... Arguments>
KernelResult make_labelled(const KernelSpec& spec, const Arguments&... arguments) {
  return by_float(spec.inputs[0], [&](auto logits) {
    return by_index(spec.inputs[1], [&](auto label) -> KernelResult {
      using T = typename decltype(logits)::Type;
      using Label = typename decltype(label)::Type;
      return std::make_unique<Kernel<T, Label>>(spec.inputs[0].shape, arguments...);
    });
  });
}

AxisSplit rows_along_axis(const KernelSpec& spec) {
  return split_at(spec.inputs[0].shape, spec.attributes.integer("axis", -1));
}

}  // namespace

KernelResult prepare_softmax(const KernelSpec& spec) {
  return by_float(spec.result(), [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    if (spec.attributes.flag("causal")) {
      return std::make_unique<CausalSoftmaxKernel<T>>(spec.result().shape);
    }
    return std::make_unique<SoftmaxKernel<T>>(rows_along_axis(spec));
  });
}

KernelResult prepare_softmax_grad(const KernelSpec& spec) {
  return by_float(spec.result(), [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<SoftmaxGradKernel<T>>(rows_along_axis(spec));
  });
}

KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec) {
  return make_labelled<CrossEntropyKernel>(spec);
}

KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec) {
  const double mean = 1 / static_cast<double>(spec.result().shape[0]);
  const double scale = spec.attributes.number("scale", mean);
  return make_labelled<CrossEntropyGradKernel>(spec, static_cast<float>(scale));
}

KernelResult prepare_argmax(const KernelSpec& spec) {
  const AxisSplit split = rows_along_axis(spec);
  if (!is_float(spec.inputs[0].element)) return std::make_unique<ArgmaxKernel<int32_t>>(split);
  return by_float(spec.inputs[0], [&](auto tag) -> KernelResult {
    return std::make_unique<ArgmaxKernel<typename decltype(tag)::Type>>(split);
  });
}

KernelResult prepare_accuracy(const KernelSpec& spec) {
  return make_labelled<AccuracyKernel>(spec);
}

}  // namespace graphrt::cpu
