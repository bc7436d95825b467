// Norms over the last dimension, and their gradients.
#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/narrow_rows.cuh"
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {
namespace {

/// The scale of a held row, whose elements are `shift` where it has none.
template <class Norm, class Form>
__device__ RowScale scale_of_held(HeldRow<Form>& row, HeldElements<Form>& x, float shift,
                                  const NormNumbers& numbers) {
  Sums sums = {0, 0};
  for_each_held(row, x, [&](float element, int) {
    sums.add_square_of(made_double(element) - static_cast<double>(shift));
  });
  return Norm::scale_of(row.reduce(sums, AddSums{}), shift, numbers);
}

/// xhat * gamma, plus beta where there is one.
template <class Norm, class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads, 2)
    normalize_held_rows(const HeldRows rows, const NormNumbers numbers, const T* x,
                        const BesideRows<T> gamma, const BesideRows<T> beta, T* y) {
  HeldRow<Form> row(rows);
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  HeldElements<Form> held = row.read(x, row.size(), shift);
  const RowScale scale = scale_of_held<Norm>(row, held, shift, numbers);
  const auto for_each_element = [&](auto f) {
#pragma unroll
    for (int k = 0; k < Form::kVectors; ++k) {
      const auto factor =
          gamma.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
      Vector<float, Form::kLanes> offset = {};
      if (beta.data != nullptr) {
        offset = beta.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
      }
#pragma unroll
      for (int i = 0; i < Form::kLanes; ++i) {
        float& element = held.vector[k].lane[i];
        element = f(element, factor.lane[i], offset.lane[i]);
      }
    }
  };
  if (FloatRowScale::fits(scale)) {
    const FloatRowScale floats(scale);
    for_each_element([&](float element, float factor, float offset) {
      return fmaf(floats.xhat(element), factor, offset);
    });
  } else {
    for_each_element([&](float element, float factor, float offset) {
      return static_cast<float>(scale.xhat(element) * factor + offset);
    });
  }
  row.write(y + row.start(), held);
}

template <class Norm, class T>
class NormKernel : public CudaKernel {
 public:
  NormKernel(const HeldRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* x = elements<T>(at.inputs[0]);
    const auto gamma = BesideRows<T>::operand(at, 1, beside_);
    const auto beta = BesideRows<T>::operand(at, 2, beside_);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, x, gamma.data, beta.data, y);
    return launch_in_form<T>(rows_, is_aligned, [&](auto form) {
      return launch_held(normalize_held_rows<Norm, decltype(form), T>, queue, rows_, numbers_, x,
                         gamma, beta, y);
    });
  }

 private:
  HeldRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

template <class Norm, class Form, class T>
__global__ void __launch_bounds__(kMaxHeldThreads)
    held_row_gradients(const HeldRows rows, const NormNumbers numbers, const T* gradient,
                       const T* x, const BesideRows<T> gamma, const BesideRows<T> addends, T* y) {
  HeldRow<Form> row(rows);
  x += row.start();
  const float shift = Norm::shift_of(widened(x[0]));
  HeldElements<Form> held = row.read(gradient + row.start(), row.size(), 0);
  HeldElements<Form> held_x = row.read(x, row.size(), shift);
  // f(gradient, u, x - shift)
  const auto for_each_term = [&](auto f) {
#pragma unroll
    for (int k = 0; k < Form::kVectors; ++k) {
      const auto factor =
          gamma.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
#pragma unroll
      for (int i = 0; i < Form::kLanes; ++i) {
        float& element = held.vector[k].lane[i];
        f(element, made_double(element) * made_double(factor.lane[i]),
          made_double(held_x.vector[k].lane[i]) - static_cast<double>(shift));
      }
    }
  };
  using Gradient = RowGradient<Norm>;
  auto sums = AddManySums<2>::nothing();
  for_each_term([&](float, double u, double distance) { Gradient::add(sums, u, distance); });
  const Gradient row_gradient(row.reduce(sums, AddManySums<2>{}), shift, numbers);
  for_each_term(
      [&](float& element, double u, double distance) { element = row_gradient.at(u, distance); });
  if (addends.data != nullptr) {
    const BesideRows<T> addend = addends.at_row(row.start());
#pragma unroll
    for (int k = 0; k < Form::kVectors; ++k) {
      const auto added =
          addend.template read<Form::kLanes, Form::kIsAligned>(row.at(k), row.size());
#pragma unroll
      for (int i = 0; i < Form::kLanes; ++i) held.vector[k].lane[i] += added.lane[i];
    }
  }
  row.write(y + row.start(), held);
}

template <class Norm, class T>
class NormGradKernel : public CudaKernel {
 public:
  NormGradKernel(const HeldRows& rows, const NormNumbers& numbers, ElementType beside)
      : rows_(rows), numbers_(numbers), beside_(beside) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* x = elements<T>(at.inputs[1]);
    const auto gamma = BesideRows<T>::operand(at, 2, beside_);
    const auto addends = BesideRows<T>::rows_of_operand(at, 3);
    auto* y = elements<T>(at.result());
    const bool is_aligned = are_aligned(kVectorBytes, gradient, x, gamma.data, addends.data, y);
    return launch_in_form<T>(rows_, is_aligned, [&](auto form) {
      return launch_held(held_row_gradients<Norm, decltype(form), T>, queue, rows_, numbers_,
                         gradient, x, gamma, addends, y);
    });
  }

 private:
  HeldRows rows_;
  NormNumbers numbers_;
  ElementType beside_;
};

/// A kernel for the rows of the first operand.
template <class Norm>
KernelResult make_norm(const KernelSpec& spec) {
  return with_device_float(spec.inputs[0].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    const double epsilon = spec.attributes.number("epsilon", Norm::kEpsilon);
    const NormRows rows = norm_rows_of(spec.inputs[0], epsilon);
    const ElementType beside = spec.inputs[1].element;
    if constexpr (kAreNarrow<T>) {
      const auto narrow = narrow_rows_of(rows.num_rows, rows.size);
      const bool is_long = rows.size > kLongestExactNorm;
      if (narrow && is_long) return make_narrow_norm<Norm, T>(*narrow, rows.numbers, beside);
    }
    const auto held = held_rows_of(rows.num_rows, rows.size, kLanesOf<T>);
    if (held) return std::make_unique<NormKernel<Norm, T>>(*held, rows.numbers, beside);
    return make_long_norm<Norm, T>(rows, beside);
  });
}

template <class Norm>
KernelResult make_norm_gradient(const KernelSpec& spec) {
  return with_device_float(spec.inputs[1].element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    const double epsilon = spec.attributes.number("epsilon", Norm::kEpsilon);
    const NormRows rows = norm_rows_of(spec.inputs[1], epsilon);
    const ElementType beside = spec.inputs[2].element;
    if constexpr (kAreNarrow<T>) {
      const auto narrow = narrow_rows_of(rows.num_rows, rows.size);
      const bool is_long = rows.size > kLongestExactNorm;
      if (narrow && is_long)
        return make_narrow_norm_gradient<Norm, T>(*narrow, rows.numbers, beside);
    }
    const auto held = held_rows_of(rows.num_rows, rows.size, kLanesOf<T>);
    if (held) return std::make_unique<NormGradKernel<Norm, T>>(*held, rows.numbers, beside);
    return make_long_norm_gradient<Norm, T>(rows, beside);
  });
}

}  // namespace

KernelResult prepare_layer_norm(const KernelSpec& spec) { return make_norm<AboutMean>(spec); }

KernelResult prepare_layer_norm_grad(const KernelSpec& spec) {
  return make_norm_gradient<AboutMean>(spec);
}

KernelResult prepare_rms_norm(const KernelSpec& spec) { return make_norm<RootMeanSquare>(spec); }

KernelResult prepare_rms_norm_grad(const KernelSpec& spec) {
  return make_norm_gradient<RootMeanSquare>(spec);
}

}  // namespace graphrt::cuda
