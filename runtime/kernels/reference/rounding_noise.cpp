#include "runtime/kernels/reference/rounding_noise.h"

#include <cmath>

#include "runtime/base/philox.h"

namespace graphrt {

void disturb(Tensor& tensor, double relative, NoiseStream stream) {
  if (tensor.type.element != ElementType::kF32) return;
  uint32_t index = 0;
  for (float& element : tensor.as<float>()) {
    const auto bits = philox4x32({index++, stream.seed, 0, 0}, {stream.step, stream.node});
    const double number = std::ldexp(static_cast<int32_t>(bits[0]), -31);
    element = static_cast<float>(element * (1 + relative * number));
  }
}

}  // namespace graphrt
