#include "runtime/kernels/reference/initial_value.h"

#include <cmath>
#include <limits>

#include "runtime/base/f32_range.h"
#include "runtime/base/random.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

double dimension(const TensorType& type, size_t index) {
  return type.shape.empty() ? 1 : static_cast<double>(type.shape[index]);
}

/// In [low, high) also after rounding to float, which could reach `high`.
float uniform_between(double low, double high, double unit) {
  const auto value = static_cast<float>(low + (high - low) * unit);
  const bool reached = static_cast<double>(value) >= high;
  return reached ? std::nextafter(value, -std::numeric_limits<float>::infinity()) : value;
}

/// A tensor of float elements, each what `number` gives for its index.
template <class Number>
Tensor floats_of(const TensorType& type, const Number& number) {
  Tensor tensor = zeros(type);
  with_float_type(type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    uint64_t index = 0;
    for (T& element : tensor.as<T>()) element = T(number(index++));
  });
  return tensor;
}

Result<Tensor> make_constant(double value, const TensorType& type) {
  Tensor tensor = zeros(type);
  return with_element_type(type.element, [&](auto tag) -> Result<Tensor> {
    using T = typename decltype(tag)::Type;
    const T stored = narrowed<T>(value);
    const auto kept = static_cast<double>(widened(stored));
    if constexpr (kIsFloat<T>) {
      if (const auto misfit = find_misfit_of_f32(value)) {
        return input_error("the initial value " + format_number(value) + " is " +
                           std::string(*misfit));
      }
      if (!std::isfinite(kept)) {
        return input_error("the initial value " + format_number(value) + " is too large for " +
                           std::string(to_string(type.element)));
      }
    } else if (kept != value) {
      return input_error("the initial value of " + to_string(type) + " must be " +
                         (std::is_same_v<T, Bool>
                              ? std::string("0 or 1")
                              : "an integer of " + std::to_string(8 * sizeof(T)) + " bits") +
                         "; got " + format_number(value));
    }
    for (T& element : tensor.as<T>()) element = stored;
    return std::move(tensor);
  });
}

Tensor make_uniform(const Initializer& initializer, double low, double high,
                    const TensorType& type) {
  const RandomStream numbers(initializer.seed, initializer.stream);
  return floats_of(
      type, [&](uint64_t index) { return uniform_between(low, high, numbers.uniform(index)); });
}

Tensor make_normal(const Initializer& initializer, double deviation, const TensorType& type) {
  const RandomStream numbers(initializer.seed, initializer.stream);
  return floats_of(
      type, [&](uint64_t index) { return static_cast<float>(deviation * numbers.normal(index)); });
}

Result<Tensor> make_random(const Initializer& initializer, const TensorType& type) {
  if (!is_float(type.element)) {
    return input_error("random initial values are floats; got " + to_string(type));
  }
  if (initializer.kind == InitializerKind::kHeNormal) {
    return make_normal(initializer, std::sqrt(2 / dimension(type, 0)), type);
  }
  if (initializer.kind == InitializerKind::kXavier) {
    const size_t last = type.shape.empty() ? 0 : type.shape.size() - 1;
    const double bound = std::sqrt(6 / (dimension(type, 0) + dimension(type, last)));
    return make_uniform(initializer, -bound, bound, type);
  }
  if (find_misfit_of_f32(initializer.low) || find_misfit_of_f32(initializer.high) ||
      static_cast<float>(initializer.low) >= static_cast<float>(initializer.high)) {
    return input_error("uniform initial values need low < high, both of f32; got low " +
                       format_number(initializer.low) + " and high " +
                       format_number(initializer.high));
  }
  return make_uniform(initializer, initializer.low, initializer.high, type);
}

}  // namespace

Result<Tensor> make_initial(const Initializer& initializer, const TensorType& type) {
  if (!is_valid(type)) return input_error(to_string(type) + " is not a type a value can have");
  switch (initializer.kind) {
    case InitializerKind::kZeros:
      return zeros(type);
    case InitializerKind::kConstant:
      return make_constant(initializer.low, type);
    case InitializerKind::kData:
      if (initializer.data.size() == static_cast<size_t>(type.size_bytes())) {
        return Tensor{type, initializer.data.to_vector()};
      }
      return input_error("the initial value has " + std::to_string(initializer.data.size()) +
                         " bytes; " + to_string(type) + " takes " +
                         std::to_string(type.size_bytes()));
    case InitializerKind::kUniform:
    case InitializerKind::kHeNormal:
    case InitializerKind::kXavier:
      return make_random(initializer, type);
  }
  return input_error("the kind of the initial value is unknown");
}

}  // namespace graphrt
