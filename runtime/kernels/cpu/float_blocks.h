#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "runtime/base/element.h"

namespace graphrt::cpu {

// Kernels compute with f32. Elements of 16 bits become such a block at a time, in the first cache.

/// 2 KiB of floats.
inline constexpr int64_t kFloatBlock = 512;
using FloatBlock = std::array<float, kFloatBlock>;

/// `size` elements as floats: in place if that is what they are, else in `space`.
/// Requires: size <= kFloatBlock, unless T is float.
template <class T>
const float* load_floats(const T* x, int64_t size, FloatBlock& space) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    for (int64_t i = 0; i < size; ++i) space[static_cast<size_t>(i)] = static_cast<float>(x[i]);
    return space.data();
  }
}

/// compute(begin, size, y) for pieces of `num_elements`, where y takes `size` floats that become
/// elements of the result from `begin` on.
template <class T, class Compute>
void store_floats(int64_t num_elements, T* result, const Compute& compute) {
  if constexpr (std::is_same_v<T, float>) {
    compute(int64_t{0}, num_elements, result);
  } else {
    FloatBlock space;
    for (int64_t begin = 0; begin < num_elements; begin += kFloatBlock) {
      const int64_t size = std::min(kFloatBlock, num_elements - begin);
      compute(begin, size, space.data());
      for (int64_t i = 0; i < size; ++i) result[begin + i] = T(space[static_cast<size_t>(i)]);
    }
  }
}

}  // namespace graphrt::cpu
