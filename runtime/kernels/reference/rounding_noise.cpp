#include "runtime/kernels/reference/rounding_noise.h"

#include <cmath>

#include "runtime/base/philox.h"

namespace graphrt {

namespace {

/// In [-1, 1).
double noise_at(uint32_t index, NoiseStream stream) {
  const auto bits = philox4x32({index, stream.seed, 0, 0}, {stream.step, stream.node});
  return std::ldexp(static_cast<int32_t>(bits[0]), -31);
}

}  // namespace

void disturb(Tensor& tensor, double relative, NoiseStream stream) {
  if (!is_float(tensor.type.element)) return;  // nothing is rounded
  with_float_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    uint32_t index = 0;
    for (T& element : tensor.as<T>()) {
      const auto number = static_cast<double>(static_cast<float>(element));
      element = narrowed<T>(number * (1 + relative * noise_at(index++, stream)));
    }
  });
}

void disturb_sums(Tensor& tensor, const Tensor& magnitudes, double relative, NoiseStream stream) {
  with_float_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    const auto elements = tensor.as<T>();
    for (uint32_t i = 0; i < elements.size(); ++i) {
      const double noise = relative * noise_at(i, stream) * magnitudes.as<float>()[i];
      elements[i] = narrowed<T>(static_cast<float>(elements[i]) + noise);
    }
  });
}

}  // namespace graphrt
