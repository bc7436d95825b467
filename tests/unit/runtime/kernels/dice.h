#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <utility>

#include "kernel_test_support.h"

namespace graphrt {

/// Everything random that a case needs; std::mt19937 gives the same numbers everywhere, the
/// standard's distributions do not.
class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}

  /// In [low, high].
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool flip() { return between(0, 1) == 1; }

  /// Sizes around the lengths of vectors and blocks, 1 among them; few elements in all.
  Shape shape(int64_t rank) {
    constexpr std::array<int64_t, 8> kSizes = {1, 2, 3, 5, 7, 8, 17, 140};
    constexpr int64_t kManyElements = 1000;
    Shape result;
    int64_t num_elements = 1;
    for (int64_t i = 0; i < rank; ++i) {
      const int64_t last_choice = num_elements < kManyElements ? 7 : 2;
      result.push_back(kSizes[static_cast<size_t>(between(0, last_choice))]);
      num_elements *= result.back();
    }
    return result;
  }
  Shape any_shape() { return shape(between(0, 4)); }

  /// Multiples of 1/64 in [-4, 4]: most sums and differences of them are exact.
  Tensor f32(const Shape& dimensions) {
    Tensor tensor = zeros({ElementType::kF32, dimensions});
    for (float& x : tensor.as<float>()) x = static_cast<float>(between(-256, 256)) / 64;
    return tensor;
  }
  Tensor i32(const Shape& dimensions, int64_t low = -1000, int64_t high = 1000) {
    Tensor tensor = zeros({ElementType::kI32, dimensions});
    for (int32_t& x : tensor.as<int32_t>()) x = static_cast<int32_t>(between(low, high));
    return tensor;
  }
  Tensor any(const Shape& dimensions) { return flip() ? f32(dimensions) : i32(dimensions); }

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
  std::mt19937 engine_;
};

}  // namespace graphrt
