#pragma once

#include <optional>
#include <type_traits>

#include "runtime/kernels/cuda/held_rows.cuh"
#include "runtime/kernels/cuda/norm_rows.cuh"
#include "runtime/kernels/cuda/norm_rules.cuh"

namespace graphrt::cuda {

// Rows of 16-bit elements, eight to a vector. A thread reads its part once, and holds what it computes
// with as floats. In a row whose vectors are whole ones, each belongs to the row or does not.

inline constexpr int kNarrowLanes = 8;
inline constexpr int kMaxNarrowVectors = 4;  ///< that a thread holds of a row

/// Two to a word, as memory holds them.
struct NarrowVector {
  uint32_t words[kNarrowLanes / 2];
};
using FloatsOfVector = Vector<float, kNarrowLanes>;

inline std::optional<HeldRows> narrow_rows_of(int64_t num_rows, int64_t size) {
  return held_rows_of(num_rows, size, kNarrowLanes, kMaxNarrowVectors);
}

/// Whether rows of so many elements are made of whole vectors where they begin at aligned addresses.
inline bool have_whole_vectors(int64_t size) { return size % kNarrowLanes == 0; }

template <class T>
__device__ FloatsOfVector widened_as(const NarrowVector& vector) {
  FloatsOfVector floats;
#pragma unroll
  for (int i = 0; i < kNarrowLanes / 2; ++i) {
    const uint32_t word = vector.words[i];
    if constexpr (std::is_same_v<T, __nv_bfloat16>) {
      floats.lane[2 * i] = __uint_as_float(word << 16);
      floats.lane[2 * i + 1] = __uint_as_float(word & 0xffff0000U);
    } else {
      const float2 both = __half22float2(reinterpret_cast<const __half2&>(word));
      floats.lane[2 * i] = both.x;
      floats.lane[2 * i + 1] = both.y;
    }
  }
  return floats;
}

/// To the nearest elements: an instruction for two.
template <class T>
__device__ NarrowVector narrowed_to(const FloatsOfVector& floats) {
  NarrowVector vector;
#pragma unroll
  for (int i = 0; i < kNarrowLanes / 2; ++i) {
    const float low = floats.lane[2 * i];
    const float high = floats.lane[2 * i + 1];
    if constexpr (std::is_same_v<T, __nv_bfloat16>) {
      reinterpret_cast<__nv_bfloat162&>(vector.words[i]) = __floats2bfloat162_rn(low, high);
    } else {
      reinterpret_cast<__half2&>(vector.words[i]) = __floats2half2_rn(low, high);
    }
  }
  return vector;
}

template <bool kIsAligned, class T>
__device__ NarrowVector load_narrow(const T* x) {
  NarrowVector vector;
  if constexpr (kIsAligned) {
    const auto words = load<kNarrowLanes / 2>(reinterpret_cast<const uint32_t*>(x));
#pragma unroll
    for (int i = 0; i < kNarrowLanes / 2; ++i) vector.words[i] = words.lane[i];
  } else {
    const auto* halves = reinterpret_cast<const uint16_t*>(x);
#pragma unroll
    for (int i = 0; i < kNarrowLanes / 2; ++i) {
      vector.words[i] = halves[2 * i] | static_cast<uint32_t>(halves[2 * i + 1]) << 16;
    }
  }
  return vector;
}

/// What a thread holds of a row of a tensor, and what it computes with: 0 outside of the row.
struct NarrowHeld {
  NarrowVector vector[kMaxNarrowVectors];
};
struct NarrowFloats {
  FloatsOfVector vector[kMaxNarrowVectors];
};

/// The row of the calling thread's team, of elements of T. `kIsWhole`: all vectors are. Neither this
/// nor whether they lie at aligned addresses decides a bit of a result.
template <class T, bool kIsWhole>
class NarrowRow : public HeldRow<HeldForm<kMaxNarrowVectors, kNarrowLanes, true>> {
 public:
  using Element = T;
  using Base = HeldRow<HeldForm<kMaxNarrowVectors, kNarrowLanes, true>>;
  static constexpr bool kHasWholeVectors = kIsWhole;

  __device__ NarrowRow(const HeldRows& rows, bool is_aligned)
      : Base(rows), is_aligned_(is_aligned) {
    if constexpr (!kIsWhole) {
#pragma unroll
      for (int k = 0; k < kMaxNarrowVectors; ++k) {
        const int begin = max(-this->at(k), 0);
        const int end = min(this->size() - this->at(k), kNarrowLanes);
        if (begin < end) lanes_ |= ((1U << end) - (1U << begin)) << (k * kNarrowLanes);
      }
    }
  }

  /// Whether any element of a vector is of the row.
  __device__ bool has(int vector) const {
    if constexpr (kIsWhole) {
      return this->at(vector) < this->size();
    } else {
      return (lanes_ >> (vector * kNarrowLanes) & 0xffU) != 0;
    }
  }
  /// Whether this one is. Requires: has(vector).
  __device__ bool has(int vector, int lane) const {
    return kIsWhole || (lanes_ >> (vector * kNarrowLanes + lane) & 1U) != 0;
  }

  /// The thread's elements of the row that begins at x.
  __device__ NarrowHeld read(const T* x) const {
    NarrowHeld held = {};
#pragma unroll
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
      if (!has(k)) continue;
      const int i = this->at(k);
      if (has_all(k) && is_aligned_) {
        held.vector[k] = load_narrow<true>(x + i);
      } else if (has_all(k)) {
        held.vector[k] = load_narrow<false>(x + i);
      } else {
        const auto* halves = reinterpret_cast<const uint16_t*>(x);
#pragma unroll
        for (int lane = 0; lane < kNarrowLanes; ++lane) {
          const uint32_t half = has(k, lane) ? halves[i + lane] : 0;
          held.vector[k].words[lane / 2] |= half << (lane % 2 * 16);
        }
      }
    }
    return held;
  }

  /// f(k, lane) for the elements of the vectors that the row has a part in.
  template <class Function>
  __device__ void for_each(Function f) const {
#pragma unroll
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
      if (!has(k)) continue;
#pragma unroll
      for (int i = 0; i < kNarrowLanes; ++i) f(k, i);
    }
  }

  /// f(number) for the same, one after the other: for what is rare.
  template <class Function>
  __device__ void for_each_number(Function f) const {
#pragma unroll 1
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
      if (!has(k)) continue;
#pragma unroll 1
      for (int lane = 0; lane < kNarrowLanes; ++lane) {
        if (has(k, lane)) f(this->at(k) + lane);
      }
    }
  }

  /// Of the row that begins at y.
  __device__ void write(T* y, int k, const FloatsOfVector& floats) const {
    if (has_all(k) && is_aligned_) {
      return store_words(y + this->at(k), narrowed_to<T>(floats).words);
    }
#pragma unroll
    for (int i = 0; i < kNarrowLanes; ++i) {
      if (has(k, i)) y[this->at(k) + i] = narrowed<T>(floats.lane[i]);
    }
  }

 private:
  /// Requires: has(vector).
  __device__ bool has_all(int vector) const {
    return kIsWhole || (lanes_ >> (vector * kNarrowLanes) & 0xffU) == 0xffU;
  }

  uint32_t lanes_ = 0;  ///< that are of the row, where vectors are not whole
  bool is_aligned_;
};

/// What BesideRows has for vector k of the row.
template <class Row>
__device__ FloatsOfVector read_beside(const BesideRows<typename Row::Element>& beside,
                                      const Row& row, int k) {
  using T = typename Row::Element;
  if constexpr (Row::kHasWholeVectors) {
    const int i = row.at(k);
    if (beside.is_f32) {
      return load_elements<kNarrowLanes, true>(reinterpret_cast<const float*>(beside.data) + i);
    }
    return widened_as<T>(load_narrow<true>(reinterpret_cast<const T*>(beside.data) + i));
  } else {
    FloatsOfVector floats = {};
#pragma unroll
    for (int i = 0; i < kNarrowLanes; ++i) {
      if (row.has(k, i)) floats.lane[i] = beside.at(row.at(k) + i);
    }
    return floats;
  }
}

constexpr unsigned kLanesOfWarp = 0xffffffff;

/// Whether a thread of the warp says so: reductions take whole warps.
__device__ inline bool says_any(bool says) { return __any_sync(kLanesOfWarp, says) != 0; }

struct AddFloats {
  __device__ float operator()(float a, float b) const { return a + b; }
  __device__ static float nothing() { return 0; }
};

/// A norm of a held row, in floats: x - shift is exact where elements are close to each other, and
/// the mean is that of the differences. xhat = distance * factor.
template <class Norm>
struct NarrowScale {
  float shift = 0;
  float mean = 0;  ///< of what is beyond the shift
  float factor = 0;

  /// Sets all but the factor; the distances of the elements from the mean.
  template <class Row>
  __device__ NarrowFloats distances(Row& row, const NarrowHeld& held,
                                    const typename Row::Element* x, const NormNumbers& numbers) {
    NarrowFloats floats;
#pragma unroll
    for (int k = 0; k < kMaxNarrowVectors; ++k) {
      floats.vector[k] = widened_as<typename Row::Element>(held.vector[k]);
    }
    if constexpr (Norm::kTakesMeanAway) {
      shift = widened(x[0]);
      float sums[2] = {0, 0};
      const auto subtract = [&](int k, int i, float subtrahend) {
        float& element = floats.vector[k].lane[i];
        element = row.has(k, i) ? element - subtrahend : 0.0F;
        return element;
      };
      row.for_each([&](int k, int i) { sums[i % 2] += subtract(k, i, shift); });
      mean = row.reduce(sums[0] + sums[1], AddFloats{}) * static_cast<float>(numbers.inverse_size);
      row.for_each([&](int k, int i) { subtract(k, i, mean); });
    }
    return floats;
  }

  /// From the sum of the squares of distances. Returns whether no step left the floats, or the digits
  /// that they have.
  __device__ bool set_factor(float sum_of_squares, const NormNumbers& numbers) {
    constexpr float kLarge = 1e30F;
    factor = rsqrtf(fmaf(sum_of_squares, static_cast<float>(numbers.inverse_size),
                         static_cast<float>(numbers.epsilon)));
    return sum_of_squares < kLarge && (sum_of_squares > 1 / kLarge || sum_of_squares == 0) &&
           factor < kLarge && factor > 1 / kLarge && fabsf(shift) < kLarge && fabsf(mean) < kLarge;
  }
};

template <class Row>
__device__ float sum_of_squares(const Row& row, const NarrowFloats& distances) {
  float sums[2] = {0, 0};
  row.for_each([&](int k, int i) {
    const float distance = distances.vector[k].lane[i];
    sums[i % 2] = fmaf(distance, distance, sums[i % 2]);
  });
  return sums[0] + sums[1];
}

/// The same in double, of a row that floats do not hold. All threads of the warp call it.
template <class Norm, class Row>
__device__ RowScale exact_scale(Row& row, const typename Row::Element* x,
                                const NormNumbers& numbers) {
  const float shift = Norm::shift_of(widened(x[0]));
  Sums sums = {0, 0};
  row.for_each_number(
      [&](int i) { sums.add_square_of(made_double(widened(x[i])) - static_cast<double>(shift)); });
  return Norm::scale_of(row.reduce(sums, AddSums{}), shift, numbers);
}

}  // namespace graphrt::cuda
