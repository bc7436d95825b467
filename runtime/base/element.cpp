#include "runtime/base/element.h"

namespace graphrt {

Float16::Float16(float value) {
  const auto wide = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(wide >> 16 & 0x8000);
  const float magnitude = std::abs(value);
  if (std::isnan(value)) {
    bits = static_cast<uint16_t>(sign | 0x7e00 | (wide >> 13 & 0x1ff));
    return;
  }
  constexpr float kOverflow = 65520;  // half way from the largest number to the next power of two
  constexpr float kSmallestNormal = 0x1p-14F;
  if (magnitude >= kOverflow) {
    bits = static_cast<uint16_t>(sign | 0x7c00);
    return;
  }
  if (magnitude < kSmallestNormal) {
    // Multiples of 2^-24: added to 0.5, they are the last bits of the sum, which f32 rounds as
    // wanted.
    const auto sum = std::bit_cast<uint32_t>(magnitude + 0.5F);
    bits = static_cast<uint16_t>(sign | (sum - std::bit_cast<uint32_t>(0.5F)));
    return;
  }
  constexpr uint32_t kBias = uint32_t{127 - 15} << 23;
  const uint32_t of_magnitude = (wide & 0x7fffffff) - kBias;
  bits = static_cast<uint16_t>(sign | (of_magnitude + 0xfff + (of_magnitude >> 13 & 1)) >> 13);
}

Float16::operator float() const {
  const uint32_t sign = uint32_t{bits & 0x8000U} << 16;
  const uint32_t exponent = bits >> 10 & 0x1f;
  const uint32_t fraction = bits & 0x3ff;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign == 0 ? magnitude : -magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

}  // namespace graphrt
