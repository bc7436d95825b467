#pragma once

#include "runtime/kernels/cuda/storage.cuh"

namespace graphrt::cuda {

/// What rows have in common: what is added to their mean square, and one over their size.
struct NormNumbers {
  double epsilon;
  double inverse_size;
};

/// xhat = (x - center) * factor, in double: in a gradient, most of it may cancel out.
struct RowScale {
  double center;
  double factor;
  __device__ double xhat(float x) const { return (made_double(x) - center) * factor; }
};

/// The same in floats, for results that are used as they are. The center is the sum of two, so that
/// differences from it keep their digits.
struct FloatRowScale {
  float center;
  float rest;
  float factor;

  __device__ explicit FloatRowScale(const RowScale& scale)
      : center(static_cast<float>(scale.center)),
        rest(static_cast<float>(scale.center - static_cast<double>(center))),
        factor(static_cast<float>(scale.factor)) {}
  __device__ float xhat(float x) const { return ((x - center) - rest) * factor; }

  /// Whether no step leaves the floats, or the digits that they have.
  __device__ static bool fits(const RowScale& scale) {
    constexpr double kLarge = 1e30;
    return scale.factor < kLarge && scale.factor > 1 / kLarge && scale.center < kLarge &&
           scale.center > -kLarge;
  }
};

struct Sums {
  double first;
  double second;

  __device__ void add_square_of(double x) {
    first += x;
    second += x * x;
  }
};

struct AddSums {
  __device__ Sums operator()(const Sums& a, const Sums& b) const {
    return {a.first + b.first, a.second + b.second};
  }
  __device__ static Sums nothing() { return {0, 0}; }
};

// Sums over a row of 16-bit elements: those of a vector are added up as floats. What is lost does not
// show in results of 16 bits, as no element of a row of n is further from the mean than sqrt(n)
// times what the row varies by.

template <int kLanes>
__device__ void add_as_floats(Sums& sums, const Vector<float, kLanes>& x, float shift) {
  float first = 0;
  float second = 0;
#pragma unroll
  for (int i = 0; i < kLanes; ++i) {
    const float distance = x.lane[i] - shift;
    first += distance;
    second = fmaf(distance, distance, second);
  }
  sums.first += made_double(first);
  sums.second += made_double(second);
}

/// Whether no square left the floats, or the digits that they have.
__device__ inline bool do_floats_fit(const Sums& sums) {
  constexpr double kLarge = 1e30;
  return sums.second < kLarge && (sums.second > 1 / kLarge || sums.second == 0);
}

/// Of several rows at once.
template <int kRows>
struct ManySums {
  Sums of[kRows];
};

template <int kRows>
struct AddManySums {
  __device__ ManySums<kRows> operator()(const ManySums<kRows>& a, const ManySums<kRows>& b) const {
    ManySums<kRows> sums;
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums.of[r] = AddSums{}(a.of[r], b.of[r]);
    return sums;
  }
  __device__ static ManySums<kRows> nothing() { return {}; }
};

// A norm is made of the sums of x - shift and of its square over a row, where shift_of() takes one
// of the elements of the row.

struct AboutMean {
  static constexpr bool kTakesMeanAway = true;
  static constexpr double kEpsilon = 1e-5;

  /// One reading of the row is enough for its variance: distances from one of its elements are no
  /// larger than what it varies by, and keep their digits.
  __device__ static float shift_of(float element) { return element; }

  __device__ static RowScale scale_of(const Sums& sums, float shift, const NormNumbers& numbers) {
    const double mean = sums.first * numbers.inverse_size;
    const double variance = sums.second * numbers.inverse_size - mean * mean;
    // Rounding may leave less than nothing. A NaN stays.
    return {shift + mean, rsqrt((variance < 0 ? 0 : variance) + numbers.epsilon)};
  }
};

struct RootMeanSquare {
  static constexpr bool kTakesMeanAway = false;
  static constexpr double kEpsilon = 1e-6;

  __device__ static float shift_of(float) { return 0; }

  __device__ static RowScale scale_of(const Sums& sums, float, const NormNumbers& numbers) {
    return {0, rsqrt(sums.second * numbers.inverse_size + numbers.epsilon)};
  }
};

/// With u = gradient * gamma, the gradient of a row is (u - mean(u) - xhat * mean(u * xhat)) * factor;
/// a norm that takes no mean away lets mean(u) stay. All is found in one reading, with x - shift in
/// the place of xhat.
template <class Norm>
struct RowGradient {
  double start;
  double step;
  double factor;

  /// Of x - shift and its square; of u and u * (x - shift).
  using RowSums = ManySums<2>;

  __device__ static void add(RowSums& sums, double u, double distance) {
    sums.of[0].add_square_of(distance);
    sums.of[1].first += u;
    sums.of[1].second += u * distance;
  }

  __device__ RowGradient(const RowSums& sums, float shift, const NormNumbers& numbers) {
    const RowScale scale = Norm::scale_of(sums.of[0], shift, numbers);
    const double center = scale.center - static_cast<double>(shift);
    const double mean = sums.of[1].first * numbers.inverse_size;
    const double slope = (sums.of[1].second * numbers.inverse_size - center * mean) * scale.factor;
    step = scale.factor * slope;
    start = (Norm::kTakesMeanAway ? mean : 0) - center * step;
    factor = scale.factor;
  }

  /// What does not change is taken together.
  __device__ float at(double u, double distance) const {
    return static_cast<float>((u - start - distance * step) * factor);
  }
};

}  // namespace graphrt::cuda
