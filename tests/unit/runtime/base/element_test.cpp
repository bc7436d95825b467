#include "runtime/base/element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace graphrt {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

template <class T>
T of_bits(uint32_t bits) {
  T element;
  element.bits = static_cast<uint16_t>(bits);
  return element;
}

template <class T>
void expect_all_bits_kept() {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto element = of_bits<T>(bits);
    const auto number = static_cast<float>(element);
    if (std::isnan(number)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(T(number)))) << bits;
    } else {
      ASSERT_EQ(T(number), element) << bits;
    }
  }
}

TEST(Elements, Of16BitsAreFloatsAndBack) {
  expect_all_bits_kept<BFloat16>();
  expect_all_bits_kept<Float16>();
}

/// Between each pair of neighbours: what is nearer to one becomes that one, and the middle the even
/// one.
template <class T>
void expect_nearest(uint32_t largest_finite) {
  for (uint32_t bits = 0; bits < largest_finite; ++bits) {
    const auto low = static_cast<float>(of_bits<T>(bits));
    const auto high = static_cast<float>(of_bits<T>(bits + 1));
    const float middle = low + (high - low) / 2;
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    for (const float sign : {1.0F, -1.0F}) {
      const uint32_t sign_bit = sign < 0 ? 0x8000 : 0;
      ASSERT_EQ(T(sign * middle).bits, even | sign_bit) << middle;
      ASSERT_EQ(T(sign * std::nextafter(middle, low)).bits, bits | sign_bit) << middle;
      ASSERT_EQ(T(sign * std::nextafter(middle, high)).bits, (bits + 1) | sign_bit) << middle;
    }
  }
}

TEST(Elements, Of16BitsAreTheNearest) {
  expect_nearest<Float16>(0x7bff);
  // The lower half of a subnormal has no float in the middle of it.
  expect_nearest<BFloat16>(0x7f7f);
}

TEST(Elements, KnowTheEndsOfTheirTypes) {
  EXPECT_EQ(static_cast<float>(Float16(65519)), 65504);
  EXPECT_EQ(static_cast<float>(Float16(65520)), kInfinite);
  EXPECT_EQ(static_cast<float>(Float16(-1e30F)), -kInfinite);
  EXPECT_EQ(static_cast<float>(BFloat16(3.4e38F)), kInfinite);
  EXPECT_EQ(static_cast<float>(Float16(0x1p-25F)), 0);
  EXPECT_EQ(Float16(-0.0F).bits, 0x8000);
  EXPECT_EQ(BFloat16(-0.0F).bits, 0x8000);
}

TEST(Elements, AreCastAsGraphsSay) {
  EXPECT_EQ(narrowed<int32_t>(2.9F), 2);
  EXPECT_EQ(narrowed<int32_t>(-2.9F), -2);
  EXPECT_EQ(narrowed<int32_t>(3e9F), std::numeric_limits<int32_t>::max());
  EXPECT_EQ(narrowed<int64_t>(-kInfinite), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(narrowed<int64_t>(0x1p63F), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(narrowed<int8_t>(127.5), 127);
  EXPECT_EQ(narrowed<int8_t>(-1000.0), -128);
  EXPECT_EQ(narrowed<uint8_t>(256.0F), 255);
  EXPECT_EQ(narrowed<uint8_t>(-1.0F), 0);
  EXPECT_EQ(narrowed<int32_t>(kNotANumber), 0);
  EXPECT_EQ(narrowed<int8_t>(int64_t{300}), 44);
  EXPECT_EQ(narrowed<Bool>(kNotANumber), Bool(true));
  EXPECT_EQ(narrowed<Bool>(-0.0F), Bool(false));
  EXPECT_EQ(narrowed<float>(int64_t{16777217}), 16777216);
  EXPECT_EQ(widened(Bool(true)), 1);
}

TEST(Elements, HaveTheSizesOfTheirTypes) {
  for (const ElementType element : kElementTypes) {
    with_element_type(element, [&](auto tag) {
      using T = typename decltype(tag)::Type;
      EXPECT_EQ(static_cast<int64_t>(sizeof(T)), size_bytes(element));
      EXPECT_EQ(ElementTypeOf<T>::kValue, element);
      EXPECT_EQ(kIsFloat<T>, is_float(element));
    });
  }
}

}  // namespace
}  // namespace graphrt
