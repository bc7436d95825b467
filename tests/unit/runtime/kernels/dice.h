#pragma once

#include <array>
#include <cstdint>
#include <iterator>
#include <random>
#include <span>
#include <utility>

#include "kernel_test_support.h"

namespace graphrt {

/// What the numbers of a suite are drawn from.
struct DiceRange {
  /// Sizes of dimensions, the smallest first.
  std::span<const int64_t> sizes;
  /// From so many elements on, only the sizes up to number `last_small` are drawn.
  int64_t many_elements = 0;
  int64_t last_small = 0;
  /// f32 are multiples of 1/64 up to this many of them, on both sides of 0.
  int64_t most_64ths = 0;
};

/// Sizes around the lengths of vectors and blocks, 1 among them; few elements in all. Numbers in
/// [-4, 4]: most sums and differences of them are exact.
inline constexpr std::array<int64_t, 8> kSmallSizes = {1, 2, 3, 5, 7, 8, 17, 140};
inline constexpr DiceRange kSmallCases = {kSmallSizes, 1000, 2, 256};

/// Everything random that a case needs; std::mt19937 gives the same numbers everywhere, the
/// standard's distributions do not.
class Dice {
 public:
  explicit Dice(uint32_t seed, const DiceRange& range = kSmallCases)
      : engine_(seed), range_(range) {}

  /// In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool flip() { return between(0, 1) == 1; }

  Shape shape(int64_t rank) {
    Shape result;
    int64_t num_elements = 1;
    for (int64_t i = 0; i < rank; ++i) {
      const bool is_small = num_elements < range_.many_elements;
      const int64_t last_choice = is_small ? std::ssize(range_.sizes) - 1 : range_.last_small;
      result.push_back(range_.sizes[static_cast<size_t>(between(0, last_choice))]);
      num_elements *= result.back();
    }
    return result;
  }
  Shape any_shape() { return shape(between(0, 4)); }

  /// A shape that broadcasting stretches to `whole`.
  Shape stretchable(const Shape& whole) {
    Shape result(whole.begin() + between(0, std::ssize(whole)), whole.end());
    for (int64_t& size : result) size = between(0, 2) == 0 ? 1 : size;
    return result;
  }

  Tensor f32(const Shape& dimensions) {
    Tensor tensor = zeros({ElementType::kF32, dimensions});
    for (float& x : tensor.as<float>()) x = draw_f32();
    return tensor;
  }
  Tensor i32(const Shape& dimensions, int64_t low = -1000, int64_t high = 1000) {
    Tensor tensor = zeros({ElementType::kI32, dimensions});
    for (int32_t& x : tensor.as<int32_t>()) x = static_cast<int32_t>(between(low, high));
    return tensor;
  }
  /// f32 or i32.
  Tensor any_of_32_bits(const Shape& dimensions) {
    return flip() ? f32(dimensions) : i32(dimensions);
  }
  /// Of any type; bytes at random.
  Tensor any(const Shape& dimensions) {
    Tensor tensor = zeros({any_element(), dimensions});
    for (std::byte& byte : tensor.data) byte = static_cast<std::byte>(between(0, 1));
    return tensor;
  }
  ElementType any_element() {
    return kElementTypes[static_cast<size_t>(between(0, std::ssize(kElementTypes) - 1))];
  }
  /// Numbers that most types hold, as `element`: small integers, some of them equal.
  Tensor numbers(ElementType element, const Shape& dimensions) {
    Tensor tensor = zeros({element, dimensions});
    with_element_type(element, [&](auto tag) {
      using T = typename decltype(tag)::Type;
      for (T& x : tensor.as<T>()) x = narrowed<T>(between(-3, 3));
    });
    return tensor;
  }

  int64_t axis(const Shape& dimensions) {
    const auto rank = static_cast<int64_t>(dimensions.size());
    return between(-rank, rank - 1);
  }
  List permutation(int64_t rank) {
    List result;
    for (int64_t i = 0; i < rank; ++i) result.push_back(i);
    for (int64_t i = rank - 1; i > 0; --i) {
      std::swap(result[static_cast<size_t>(i)], result[static_cast<size_t>(between(0, i))]);
    }
    return result;
  }

 private:
  float draw_f32() {
    return static_cast<float>(between(-range_.most_64ths, range_.most_64ths)) / 64;
  }

  std::mt19937 engine_;
  DiceRange range_;
};

}  // namespace graphrt
