// Operators that look at one row at a time, a row being all elements along one axis.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

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

/// Rows of so many logits each, with a label: which of them count.
struct LabelledRows {
  int64_t num_rows;
  int64_t num_classes;
  std::optional<int64_t> ignored;  ///< the label of those that do not
  bool is_sum;                     ///< the result is no mean

  explicit LabelledRows(const KernelSpec& spec)
      : num_rows(spec.inputs[0].shape[0]),
        num_classes(spec.inputs[0].shape[1]),
        is_sum(spec.attributes.text("reduction", "mean") == "sum") {
    if (spec.attributes.find("ignore_index") == nullptr) return;
    ignored = spec.attributes.integer("ignore_index", 0);
  }

  bool counts(int64_t label) const { return !ignored || label != *ignored; }

  /// The sum, or the mean, of term(row) over the rows that count.
  template <class Label, class Term>
  float total(const Label* label, Term term) const {
    double total = 0;
    int64_t num_counted = 0;
    for (int64_t i = 0; i < num_rows; ++i) {
      if (!counts(label[i])) continue;
      ++num_counted;
      total += term(i);
    }
    return static_cast<float>(is_sum ? total : total / static_cast<double>(num_counted));
  }
};

/// Of log(sum(exp(row))) - row[label], or with smoothing that of a share of all classes. A label that
/// names no class makes the loss NaN: visible, where reading past the row would not be.
template <class T, class Label>
class CrossEntropyKernel : public PreparedKernel {
 public:
  explicit CrossEntropyKernel(const KernelSpec& spec)
      : rows_(spec), smoothing_(spec.attributes.number("label_smoothing", 0)) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
    *elements<float>(at.result()) = rows_.total(
        label, [&](int64_t i) { return row_loss(logits + i * rows_.num_classes, label[i]); });
  }

 private:
  double row_loss(const T* row, Label label) const {
    if (!is_class(label, rows_.num_classes)) return std::numeric_limits<double>::quiet_NaN();
    const float largest = largest_of(row, rows_.num_classes, 1);
    const auto below_largest = [&](int64_t j) {
      return static_cast<double>(largest) - static_cast<double>(widened(row[j]));
    };
    double total = 0;
    for (int64_t j = 0; j < rows_.num_classes; ++j) total += std::exp(widened(row[j]) - largest);
    if (smoothing_ == 0) return std::log(total) + below_largest(label);
    double differences = 0;
    for (int64_t j = 0; j < rows_.num_classes; ++j) differences += below_largest(j);
    // Of infinitely far logits, no share is no number.
    const double of_label = smoothing_ == 1 ? 0 : (1 - smoothing_) * below_largest(label);
    return std::log(total) + of_label +
           smoothing_ / static_cast<double>(rows_.num_classes) * differences;
  }

  LabelledRows rows_;
  double smoothing_;
};

/// (softmax - target) * scale; 0 in rows that do not count, NaN in rows whose label names no class.
template <class T, class Label>
class CrossEntropyGradKernel : public PreparedKernel {
 public:
  explicit CrossEntropyGradKernel(const KernelSpec& spec)
      : rows_(spec), has_gradient_(spec.inputs.size() > 2) {
    const double share =
        spec.attributes.number("label_smoothing", 0) / static_cast<double>(rows_.num_classes);
    of_others_ = static_cast<float>(share);
    of_label_ = static_cast<float>(1 - spec.attributes.number("label_smoothing", 0) + share);
    const double mean = 1 / static_cast<double>(rows_.num_rows);
    scale_ = static_cast<float>(spec.attributes.number("scale", mean));
  }

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
    const float scale = has_gradient_ ? scale_ * *elements<float>(at.inputs[2]) : scale_;
    for (int64_t i = 0; i < rows_.num_rows; ++i) {
      const int64_t start = i * rows_.num_classes;
      run_row(logits + start, label[i], scale, elements<T>(at.result()) + start);
    }
  }

 private:
  void run_row(const T* x, Label label, float scale, T* y) const {
    const int64_t size = rows_.num_classes;
    if (!rows_.counts(label)) {
      std::fill_n(y, size, T{});
    } else if (!is_class(label, size)) {
      std::fill_n(y, size, T(std::numeric_limits<float>::quiet_NaN()));
    } else if constexpr (std::is_same_v<T, float>) {
      const double total = exponentials(x, y, size, 1);
      const auto factor = static_cast<float>(1 / total);
      for (int64_t j = 0; j < size; ++j) y[j] = (y[j] * factor - target(j == label)) * scale;
    } else {
      probabilities(x, size, 1, [&](int64_t j, float share) {
        y[j] = T((share - target(j == label)) * scale);
      });
    }
  }

  float target(bool is_label) const { return is_label ? of_label_ : of_others_; }

  LabelledRows rows_;
  bool has_gradient_;
  float of_label_;
  float of_others_;
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
  explicit AccuracyKernel(const KernelSpec& spec) : rows_(spec) {}

  void run(const KernelArguments& at) const override {
    const auto* logits = elements<T>(at.inputs[0]);
    const auto* label = elements<Label>(at.inputs[1]);
    const int64_t size = rows_.num_classes;
    *elements<float>(at.result()) = rows_.total(label, [&](int64_t i) {
      return index_of_largest(logits + i * size, size, 1) == label[i] ? 1 : 0;
    });
  }

 private:
  LabelledRows rows_;
};

/// A kernel of logits and labels, whatever they are stored as.
template <template <class, class> class Kernel>
KernelResult make_labelled(const KernelSpec& spec) {
  return by_float(spec.inputs[0], [&](auto logits) {
    return by_index(spec.inputs[1], [&](auto label) -> KernelResult {
      using T = typename decltype(logits)::Type;
      using Label = typename decltype(label)::Type;
      return std::make_unique<Kernel<T, Label>>(spec);
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
  return make_labelled<CrossEntropyGradKernel>(spec);
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
