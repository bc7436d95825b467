#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "runtime/base/tensor_type.h"

namespace graphrt {

// What elements are in memory. What is computed with them is a float, a double or an integer: the
// types of 16 bits only convert.

/// The upper half of an f32: 8 bits of exponent, 8 of precision.
struct BFloat16 {
  uint16_t bits = 0;

  BFloat16() = default;
  /// The nearest; of two equally near, the even one. A NaN stays one.
  explicit BFloat16(float value) {
    const auto wide = std::bit_cast<uint32_t>(value);
    constexpr uint32_t kQuiet = 0x40;
    const uint32_t rounded = (wide + 0x7fff + (wide >> 16 & 1)) >> 16;
    bits = static_cast<uint16_t>(std::isnan(value) ? (wide >> 16 | kQuiet) : rounded);
  }
  explicit operator float() const { return std::bit_cast<float>(uint32_t{bits} << 16); }
  bool operator==(const BFloat16&) const = default;
};

/// IEEE 754's binary16: 5 bits of exponent, 11 of precision.
struct Float16 {
  uint16_t bits = 0;

  Float16() = default;
  /// The nearest; of two equally near, the even one. From 65520 on, infinite. A NaN stays one.
  explicit Float16(float value);
  explicit operator float() const;
  bool operator==(const Float16&) const = default;
};

// Here, and without branches: compilers make vectors of loops of these.

/// `yes` where `holds`, else `no`; of both, all bits are computed.
inline uint32_t choose_bits(bool holds, uint32_t yes, uint32_t no) {
  const uint32_t mask = 0 - static_cast<uint32_t>(holds);
  return (yes & mask) | (no & ~mask);
}

inline Float16::Float16(float value) {
  const auto wide = std::bit_cast<uint32_t>(value);
  const uint32_t sign = wide >> 16 & 0x8000;
  const float magnitude = std::abs(value);
  constexpr float kOverflow = 65520;  // half way from the largest number to the next power of two
  constexpr float kSmallestNormal = 0x1p-14F;
  constexpr uint32_t kInfinity = 0x7c00;
  const uint32_t not_a_number = 0x7e00 | (wide >> 13 & 0x1ff);
  // Multiples of 2^-24: added to 0.5, they are the last bits of the sum, which f32 rounds as wanted.
  const uint32_t subnormal =
      std::bit_cast<uint32_t>(magnitude + 0.5F) - std::bit_cast<uint32_t>(0.5F);
  constexpr uint32_t kBias = uint32_t{127 - 15} << 23;
  const uint32_t of_magnitude = (wide & 0x7fffffff) - kBias;
  const uint32_t normal = (of_magnitude + 0xfff + (of_magnitude >> 13 & 1)) >> 13;
  const uint32_t finite = choose_bits(magnitude < kSmallestNormal, subnormal, normal);
  const uint32_t number = choose_bits(magnitude >= kOverflow, kInfinity, finite);
  bits = static_cast<uint16_t>(sign | choose_bits(std::isnan(value), not_a_number, number));
}

inline Float16::operator float() const {
  const uint32_t sign = (uint32_t{bits} & 0x8000) << 16;
  const uint32_t magnitude = (uint32_t{bits} & 0x7fff) << 13;
  constexpr uint32_t kSmallestNormal = uint32_t{1} << 23;
  constexpr uint32_t kInfinity = uint32_t{0x1f} << 23;
  constexpr uint32_t kBias = uint32_t{127 - 15} << 23;
  // As the fraction of 2^-14 more.
  const float subnormal = std::bit_cast<float>(magnitude + kBias + kSmallestNormal) - 0x1p-14F;
  const uint32_t normal = magnitude + kBias + choose_bits(magnitude >= kInfinity, kBias, 0);
  const uint32_t wide =
      choose_bits(magnitude < kSmallestNormal, std::bit_cast<uint32_t>(subnormal), normal);
  return std::bit_cast<float>(sign | wide);
}

/// A byte, 0 or 1.
struct Bool {
  uint8_t bits = 0;

  Bool() = default;
  explicit Bool(bool value) : bits(value ? 1 : 0) {}
  explicit operator bool() const { return bits != 0; }
  bool operator==(const Bool&) const = default;
};

/// Whether T stores a floating-point number.
template <class T>
inline constexpr bool kIsFloat =
    std::is_same_v<T, float> || std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16>;

/// An element as what is computed with: a float stays one, an integer a 64-bit one, a bool 0 or 1.
template <class T>
auto widened(T element) {
  if constexpr (kIsFloat<T>) {
    return static_cast<float>(element);
  } else if constexpr (std::is_same_v<T, Bool>) {
    return static_cast<int64_t>(static_cast<bool>(element));
  } else {
    return static_cast<int64_t>(element);
  }
}

/// What a number is as an element of type T: floats are rounded to the nearest; floats that become
/// integers towards 0, at most to the ends of the type, a NaN to 0; integers that are too large for
/// an integer type wrap around. Of a bool, everything but 0 is 1, a NaN too.
template <class T, class Number>
T narrowed(Number number) {
  if constexpr (std::is_same_v<T, Bool>) {
    return Bool(number != 0);
  } else if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(number);
  } else if constexpr (kIsFloat<T>) {
    return T(static_cast<float>(number));
  } else if constexpr (std::is_floating_point_v<Number>) {
    if (std::isnan(number)) return 0;
    // The first number beyond: a power of two, which every float type holds.
    constexpr T kHalfOfEnd = std::numeric_limits<T>::max() / 2 + 1;
    constexpr auto kEnd = static_cast<Number>(kHalfOfEnd) * 2;
    if (number >= kEnd) return std::numeric_limits<T>::max();
    if (number <= static_cast<Number>(std::numeric_limits<T>::min())) {
      return std::numeric_limits<T>::min();
    }
    return static_cast<T>(number);
  } else {
    return static_cast<T>(number);
  }
}

/// The element type that a C++ type stands for: float is f32, int32_t is i32.
template <class T>
struct ElementTypeOf;
#define GRAPHC_ELEMENT_TYPE(Name, Storage, ...)                 \
  template <>                                                   \
  struct ElementTypeOf<Storage> {                               \
    static constexpr ElementType kValue = ElementType::k##Name; \
  };
#include "runtime/base/element_types.def"

/// Stands for a type as an argument.
template <class T>
struct TypeTag {
  using Type = T;
};

/// function(TypeTag<T>()) for the C++ type of the elements.
template <class Function>
decltype(auto) with_element_type(ElementType element, Function&& function) {
  switch (element) {
#define GRAPHC_ELEMENT_TYPE(Name, Storage, ...) \
  case ElementType::k##Name:                    \
    return function(TypeTag<Storage>());
#include "runtime/base/element_types.def"
  }
  no_such_element(element);
}

/// The same for the types of floats alone. Requires: is_float(element).
template <class Function>
decltype(auto) with_float_type(ElementType element, Function&& function) {
  switch (element) {
    case ElementType::kF32:
      return function(TypeTag<float>());
    case ElementType::kBF16:
      return function(TypeTag<BFloat16>());
    case ElementType::kF16:
      return function(TypeTag<Float16>());
    case ElementType::kI32:
    case ElementType::kI64:
    case ElementType::kI8:
    case ElementType::kU8:
    case ElementType::kBool:
      break;
  }
  no_such_element(element);
}

}  // namespace graphrt
