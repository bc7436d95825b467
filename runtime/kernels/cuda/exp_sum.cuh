#pragma once

#include <limits>

#include "runtime/kernels/cuda/fast_exp.cuh"
#include "runtime/kernels/cuda/rows.cuh"
#include "runtime/kernels/cuda/wide_rows.cuh"

namespace graphrt::cuda {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct MaxOfFloats {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
  __device__ static float nothing() { return -kInfinity; }
};

/// Of some elements of a row: the largest, and the sum of exp(element - largest).
struct ExpSum {
  float largest;
  double total;

  __device__ static ExpSum nothing() { return {-kInfinity, 0}; }

  /// Requires: `element` is no smaller than the largest so far.
  __device__ void move_to(float element) {
    if (!(element > largest)) return;
    total *= static_cast<double>(expf(largest - element));
    largest = element;
  }
};

/// -inf adds nothing, also where nothing larger has been seen and exp(-inf - -inf) would be NaN.
__device__ inline void add_element(ExpSum& sum, float x) {
  if (x > sum.largest) {
    sum.total *= static_cast<double>(expf(sum.largest - x));
    sum.largest = x;
  }
  if (x != -kInfinity) sum.total += static_cast<double>(expf(x - sum.largest));
}

struct MergeExpSums {
  __device__ static ExpSum nothing() { return ExpSum::nothing(); }
  __device__ ExpSum operator()(const ExpSum& a, const ExpSum& b) const {
    const bool a_is_upper = a.largest >= b.largest;
    const float upper = a_is_upper ? a.largest : b.largest;
    const float lower = a_is_upper ? b.largest : a.largest;
    // Equal ones may be infinite: their difference would be NaN.
    const float weight = lower == upper ? 1.0F : expf(lower - upper);
    const double upper_total = a_is_upper ? a.total : b.total;
    const double lower_total = a_is_upper ? b.total : a.total;
    return {upper, upper_total + lower_total * static_cast<double>(weight)};
  }
};

/// For rows of T: of 16-bit elements in less than half the instructions.
template <class T>
__device__ float exp_of(float x) {
  if constexpr (kAreNarrow<T>) return fast_exp(x);
  return expf(x);
}

/// exp(element - subtrahend) of a vector, and their sum. The few of a vector are added up as floats,
/// two and two: what is rounded off is no more than what exp itself is off by.
template <class T, int kLanes>
__device__ double exponentiate(Vector<float, kLanes>& vector, float subtrahend) {
#pragma unroll
  for (float& element : vector.lane) element = exp_of<T>(element - subtrahend);
  Vector<float, kLanes> sums = vector;
#pragma unroll
  for (int distance = 1; distance < kLanes; distance *= 2) {
#pragma unroll
    for (int i = 0; i < kLanes; i += 2 * distance) sums.lane[i] += sums.lane[i + distance];
  }
  return sums.lane[0];
}

/// The same of all that a thread holds of a row whose largest element it is. Elements outside of
/// the row, -inf, become 0, unless all are -inf: then the row is NaN anyhow.
template <class T, class Form>
__device__ double exponentiate(HeldElements<Form>& held, float largest) {
  double total = 0;
#pragma unroll
  for (auto& vector : held.vector) total += exponentiate<T>(vector, largest);
  return total;
}

/// The largest of some vectors' elements: two and two, as memory holds them. A NaN is none of them.
template <class T, int kBatch, int kLanes>
__device__ float largest_of_batch(const Vector<T, kLanes> (&batch)[kBatch], float largest) {
  if constexpr (kAreNarrow<T>) {
    using Pair = std::conditional_t<std::is_same_v<T, __half>, __half2, __nv_bfloat162>;
    Pair pairs[kBatch][kLanes / 2];
    static_assert(sizeof(pairs) == sizeof(batch));
    memcpy(&pairs, &batch, sizeof(pairs));
    Pair largest_pair = pairs[0][0];
#pragma unroll
    for (const auto& of_vector : pairs) {
#pragma unroll
      for (const Pair& pair : of_vector) largest_pair = __hmax2(largest_pair, pair);
    }
    return fmaxf(largest, fmaxf(widened(largest_pair.x), widened(largest_pair.y)));
  } else {
    for (const auto& vector : batch) {
      for (const float element : vector.lane) largest = fmaxf(largest, element);
    }
    return largest;
  }
}

/// The sums of a wide row's first elements, for every thread of the row, whose elements are kept.
template <bool kIsAligned, class T>
__device__ ExpSum exp_sum_of_wide(const WideRow<T, kIsAligned>& row, int num_used, const T* x) {
  ExpSum sum = ExpSum::nothing();
  row.read(x, num_used, -kInfinity, [&](const auto& batch) {
    const float largest = largest_of_batch(batch, sum.largest);
    sum.move_to(largest);
    // exp(-inf - -inf) would be NaN.
    const float base = largest == -kInfinity ? 0.0F : largest;
    for (const auto& stored : batch) {
      auto vector = widened(stored);
      sum.total += exponentiate<T>(vector, base);
    }
  });
  return row.reduce(sum, MergeExpSums{});
}

/// The whole row's sums, for every thread of the team, in one reading of the row.
template <class T>
__device__ ExpSum exp_sum_of(const T* row, int64_t size, int64_t stride, const Team& team) {
  ExpSum sum = ExpSum::nothing();
#pragma unroll 4
  for (int64_t i = team.lane(); i < size; i += team.width())
    add_element(sum, widened(row[i * stride]));
  return team.reduce(sum, MergeExpSums{});
}

}  // namespace graphrt::cuda
