// Norms over the last dimension, row by row. A norm about the mean takes the mean of a row away
// first; the other divides by the root mean square alone.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/combine_terms.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

/// Tensors of rows, and what is added to the mean square of each.
struct Rows {
  int64_t num_rows;
  int64_t size;
  double epsilon;
};

/// xhat = (x - center) * factor, in double: in a gradient, most of it may cancel out.
struct RowScale {
  double center;
  double factor;
  double xhat(float x) const { return (x - center) * factor; }
};

/// The mean of term(i) over a row, in double.
template <class Term>
double mean_of(int64_t size, Term term) {
  return combine_terms(size, 0.0, std::plus<>(), term) / static_cast<double>(size);
}

/// As the mean of squares of differences: a mean that is large beside them would cost the
/// differences their digits.
template <class T>
double mean_square(const T* x, int64_t size, double center) {
  return mean_of(size, [x, center](int64_t i) {
    const double difference = widened(x[i]) - center;
    return difference * difference;
  });
}

struct AboutMean {
  static constexpr bool kTakesMeanAway = true;
  static constexpr double kEpsilon = 1e-5;

  template <class T>
  static RowScale scale_of(const T* x, const Rows& rows) {
    const double mean = mean_of(rows.size, [x](int64_t i) { return double{widened(x[i])}; });
    return {mean, 1 / std::sqrt(mean_square(x, rows.size, mean) + rows.epsilon)};
  }
};

struct RootMeanSquare {
  static constexpr bool kTakesMeanAway = false;
  static constexpr double kEpsilon = 1e-6;

  template <class T>
  static RowScale scale_of(const T* x, const Rows& rows) {
    return {0, 1 / std::sqrt(mean_square(x, rows.size, 0) + rows.epsilon)};
  }
};

/// xhat * gamma, plus beta where there is one. x is stored as T, gamma and beta as Column.
template <class Norm, class T, class Column>
class NormKernel : public PreparedKernel {
 public:
  explicit NormKernel(const Rows& rows) : rows_(rows) {}

  void run(const KernelArguments& at) const override {
    const auto* gamma = elements<Column>(at.inputs[1]);
    const auto* beta = at.inputs.size() > 2 ? elements<Column>(at.inputs[2]) : nullptr;
    for (int64_t row = 0; row < rows_.num_rows; ++row) {
      run_row(elements<T>(at.inputs[0]) + row * rows_.size, gamma, beta,
              elements<T>(at.result()) + row * rows_.size);
    }
  }

 private:
  void run_row(const T* x, const Column* gamma, const Column* beta, T* y) const {
    const RowScale scale = Norm::scale_of(x, rows_);
    if (beta == nullptr) {
      for (int64_t i = 0; i < rows_.size; ++i) {
        y[i] = narrowed<T>(scale.xhat(widened(x[i])) * widened(gamma[i]));
      }
      return;
    }
    for (int64_t i = 0; i < rows_.size; ++i) {
      y[i] = narrowed<T>(scale.xhat(widened(x[i])) * widened(gamma[i]) + widened(beta[i]));
    }
  }

  Rows rows_;
};

/// With u = gradient * gamma: (u - mean(u) - xhat * mean(u * xhat)) * factor; a norm that takes no
/// mean away lets mean(u) stay. Where there is an addend, it comes on top.
template <class Norm, class T, class Column>
class NormGradKernel : public PreparedKernel {
 public:
  explicit NormGradKernel(const Rows& rows) : rows_(rows) {}

  void run(const KernelArguments& at) const override {
    for (int64_t row = 0; row < rows_.num_rows; ++row) {
      const int64_t start = row * rows_.size;
      const auto* addend = at.inputs.size() > 3 ? elements<T>(at.inputs[3]) + start : nullptr;
      run_row(elements<T>(at.inputs[0]) + start, elements<T>(at.inputs[1]) + start,
              elements<Column>(at.inputs[2]), addend, elements<T>(at.result()) + start);
    }
  }

 private:
  void run_row(const T* gradient, const T* x, const Column* gamma, const T* addend, T* y) const {
    const RowScale scale = Norm::scale_of(x, rows_);
    const auto u = [gradient, gamma](int64_t i) {
      return static_cast<double>(widened(gradient[i])) * widened(gamma[i]);
    };
    const double offset = Norm::kTakesMeanAway ? mean_of(rows_.size, u) : 0;
    const double slope = mean_of(
        rows_.size, [&u, &scale, x](int64_t i) { return u(i) * scale.xhat(widened(x[i])); });
    const auto own = [&](int64_t i) {
      return (u(i) - offset - scale.xhat(widened(x[i])) * slope) * scale.factor;
    };
    if (addend == nullptr) {
      for (int64_t i = 0; i < rows_.size; ++i) y[i] = narrowed<T>(own(i));
      return;
    }
    for (int64_t i = 0; i < rows_.size; ++i) y[i] = narrowed<T>(own(i) + widened(addend[i]));
  }

  Rows rows_;
};

/// The sum over rows of gradient * xhat, stored as To.
template <class Norm, class T, class To>
class NormScaleGradKernel : public PreparedKernel {
 public:
  explicit NormScaleGradKernel(const Rows& rows) : rows_(rows) {}

  void run(const KernelArguments& at) const override {
    for (int64_t begin = 0; begin < rows_.size; begin += kBlockSize) {
      const int64_t end = std::min(begin + kBlockSize, rows_.size);
      run_columns(elements<T>(at.inputs[0]), elements<T>(at.inputs[1]), begin, end,
                  elements<To>(at.result()));
    }
  }

 private:
  /// Totals on the stack; a row that is longer is looked at again for each block of columns.
  static constexpr int64_t kBlockSize = 2048;

  void run_columns(const T* gradient, const T* x, int64_t begin, int64_t end, To* y) const {
    std::array<double, kBlockSize> totals = {};
    for (int64_t row = 0; row < rows_.num_rows; ++row) {
      const int64_t start = row * rows_.size;
      const RowScale scale = Norm::scale_of(x + start, rows_);
      for (int64_t i = begin; i < end; ++i) {
        totals[static_cast<size_t>(i - begin)] +=
            widened(gradient[start + i]) * scale.xhat(widened(x[start + i]));
      }
    }
    for (int64_t i = begin; i < end; ++i) {
      y[i] = narrowed<To>(totals[static_cast<size_t>(i - begin)]);
    }
  }

  Rows rows_;
};

/// A kernel for the rows of the first operand, and floats of the type of `other` beside them.
template <template <class, class, class> class Kernel, class Norm>
KernelResult make_norm(const KernelSpec& spec, const TensorType& other) {
  const AxisSplit split = split_at(spec.inputs[0].shape, -1);
  const double epsilon = spec.attributes.number("epsilon", Norm::kEpsilon);
  const Rows rows{split.outer, split.size, epsilon};
  return by_float(spec.inputs[0], [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return by_float(other, [&](auto tag_of_other) -> KernelResult {
      using Other = typename decltype(tag_of_other)::Type;
      return std::make_unique<Kernel<Norm, T, Other>>(rows);
    });
  });
}

}  // namespace

KernelResult prepare_layer_norm(const KernelSpec& spec) {
  return make_norm<NormKernel, AboutMean>(spec, spec.inputs[1]);
}

KernelResult prepare_layer_norm_grad(const KernelSpec& spec) {
  return make_norm<NormGradKernel, AboutMean>(spec, spec.inputs[2]);
}

KernelResult prepare_layer_norm_scale_grad(const KernelSpec& spec) {
  return make_norm<NormScaleGradKernel, AboutMean>(spec, spec.result());
}

KernelResult prepare_rms_norm(const KernelSpec& spec) {
  return make_norm<NormKernel, RootMeanSquare>(spec, spec.inputs[1]);
}

KernelResult prepare_rms_norm_grad(const KernelSpec& spec) {
  return make_norm<NormGradKernel, RootMeanSquare>(spec, spec.inputs[2]);
}

KernelResult prepare_rms_norm_scale_grad(const KernelSpec& spec) {
  return make_norm<NormScaleGradKernel, RootMeanSquare>(spec, spec.result());
}

}  // namespace graphrt::cpu
