#pragma once

#include <algorithm>
#include <bit>
#include <optional>

#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/kernels/cuda/storage.cuh"
#include "runtime/kernels/cuda/team.cuh"

namespace graphrt::cuda {

// Operators that go over a row more than once read it once: a team of threads holds it in
// registers. Memory is read and written in vectors at aligned addresses. A row that starts between
// two of them is taken from the one before on, and threads leave out what is not of their row:
//
//     memory          0 1 2 3 4 5 6 7 8 9 . .
//     rows of 5       a a a a a b b b b b       row b is shifted by 1: its vectors start at 4 and 8

/// Vectors of f32 that a thread holds, at most. With twice as many, too few threads have the
/// registers.
inline constexpr int kMaxHeldVectors = 4;
/// Of vectors of so many elements.
constexpr int max_held_vectors(int num_lanes) { return kMaxHeldVectors * kWidest / num_lanes; }
inline constexpr int kMaxHeldThreads = 512;

/// Rows that lie side by side. Depends on the shape alone, and so do the bits of results.
struct HeldRows {
  int64_t num_rows;
  int size;             ///< of a row
  int width = 0;        ///< threads of a team: a part of a warp, or whole warps, a block by itself
  int num_vectors = 0;  ///< that a thread holds

  bool is_in_warp() const { return width <= kThreadsPerWarp; }
  unsigned threads_per_block() const {
    return static_cast<unsigned>(is_in_warp() ? kThreadsPerBlock : width);
  }
  unsigned num_blocks() const {
    return is_in_warp() ? num_blocks_for(num_rows, kThreadsPerBlock / width)
                        : static_cast<unsigned>(num_rows);
  }
};

/// How many vectors of `num_lanes` elements rows of this size have a part in, at most.
inline int64_t num_vectors_of_row(int64_t size, int64_t num_lanes) {
  return size % num_lanes == 0 ? size / num_lanes : (size + 2 * (num_lanes - 1)) / num_lanes;
}

/// In the widest vectors, of so many elements, and so many of a thread. Nothing where a row is too
/// long.
inline std::optional<HeldRows> held_rows_of(int64_t num_rows, int64_t size, int num_lanes,
                                            int64_t max_vectors) {
  const int64_t num_vectors = num_vectors_of_row(size, num_lanes);
  if (num_vectors > max_vectors * kMaxHeldThreads) return std::nullopt;
  HeldRows rows = {.num_rows = num_rows, .size = static_cast<int>(size)};
  if (num_vectors <= max_vectors * kThreadsPerWarp) {
    // Eight threads read 128 bytes side by side, and each has more under way than one access.
    constexpr uint64_t kWanted = 8;
    const uint64_t least = std::bit_ceil(uint64_t{num_blocks_for(num_vectors, max_vectors)});
    const uint64_t most = std::bit_ceil(static_cast<uint64_t>(num_vectors));
    rows.width = static_cast<int>(
        std::min<uint64_t>(std::max(std::min(most, kWanted), least), kThreadsPerWarp));
  } else {
    const unsigned num_threads = num_blocks_for(num_vectors, max_vectors);
    rows.width = static_cast<int>(num_blocks_for(num_threads, kThreadsPerWarp)) * kThreadsPerWarp;
  }
  rows.num_vectors = static_cast<int>(num_blocks_for(num_vectors, rows.width));
  return rows;
}

inline std::optional<HeldRows> held_rows_of(int64_t num_rows, int64_t size, int num_lanes) {
  return held_rows_of(num_rows, size, num_lanes, max_held_vectors(num_lanes));
}

/// How a kernel holds rows: the vectors of a thread, the elements of each, and whether tensors begin
/// at aligned addresses.
template <int kNumVectors, int kNumLanes, bool kAtAlignedAddresses>
struct HeldForm {
  static constexpr int kVectors = kNumVectors;
  static constexpr int kLanes = kNumLanes;
  static constexpr bool kIsAligned = kAtAlignedAddresses;
};

/// As kernels compute with them, whatever type memory holds.
template <class Form>
struct HeldElements {
  Vector<float, Form::kLanes> vector[Form::kVectors];
};

/// As memory holds them: elements of 16 bits take half the registers.
template <class Form, class T>
struct StoredElements {
  Vector<T, Form::kLanes> vector[Form::kVectors];

  __device__ void keep_packed() {
#pragma unroll
    for (auto& own : vector) cuda::keep_packed(own);
  }
};

/// Calls launch(form) with the form for rows of T at such addresses. It decides no bit of a result:
/// which thread holds what depends on the rows alone.
template <class T, class Launch>
Result<void> launch_in_form(const HeldRows& rows, bool is_aligned, Launch launch) {
  constexpr int kLanes = kLanesOf<T>;
  constexpr int kMost = max_held_vectors(kLanes);
  if (!is_aligned) return launch(HeldForm<kMost, kLanes, false>{});
  if (rows.num_vectors > 2) return launch(HeldForm<kMost, kLanes, true>{});
  return launch(HeldForm<2, kLanes, true>{});
}

/// Queues a kernel whose first argument is the rows.
template <class... Parameters, class... Arguments>
Result<void> launch_held(void (*kernel)(HeldRows, Parameters...), const CudaQueue& queue,
                         const HeldRows& rows, Arguments... arguments) {
  kernel<<<rows.num_blocks(), rows.threads_per_block(), 0, queue.stream>>>(rows, arguments...);
  CUDA_TRY(cudaGetLastError());
  return {};
}

/// Elements i to i + kLanes of x[0 .. size) as memory holds them, and `otherwise` in front of them and
/// behind them. Requires: x + i is aligned to vectors if `kIsAligned`.
template <int kLanes, bool kIsAligned, class T>
__device__ Vector<T, kLanes> read_stored(const T* x, int i, int size, T otherwise) {
  Vector<T, kLanes> vector;
  if (i >= 0 && i + kLanes <= size) {
    vector = load_elements<kLanes, kIsAligned>(x + i);
  } else {
#pragma unroll
    for (int lane = 0; lane < kLanes; ++lane) {
      const bool is_inside = i + lane >= 0 && i + lane < size;
      vector.lane[lane] = is_inside ? x[i + lane] : otherwise;
    }
  }
  keep_packed(vector);
  return vector;
}

/// The same as floats. Requires: T holds `otherwise` exactly.
template <int kLanes, bool kIsAligned, class T>
__device__ Vector<float, kLanes> read_vector(const T* x, int i, int size, float otherwise) {
  return widened(read_stored<kLanes, kIsAligned>(x, i, size, narrowed<T>(otherwise)));
}

/// What of the vector belongs to y[0 .. size).
template <bool kIsAligned, class T, int kLanes>
__device__ void write_vector(T* y, int i, int size, const Vector<float, kLanes>& vector) {
  if (i >= 0 && i + kLanes <= size) return store_floats<kLanes, kIsAligned>(y + i, vector);
#pragma unroll
  for (int lane = 0; lane < kLanes; ++lane) {
    if (i + lane >= 0 && i + lane < size) y[i + lane] = narrowed<T>(vector.lane[lane]);
  }
}

/// What the values of a block's threads make together, for each of them, in an order that the size
/// of the block alone decides. Turns between two places: who writes to one again has waited since
/// the last one read it.
class BlockReduction {
 public:
  /// Requires: all threads of the block, whole warps, call it; `combine` is commutative, and
  ///           nothing() changes no value that it is combined with.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) {
    __shared__ T of_warps[2][kThreadsPerWarp];
    constexpr int kBitsOfInt = 32;
    turn_ = 1 - turn_;
    const auto warp = static_cast<int>(threadIdx.x) / kThreadsPerWarp;
    const auto lane = static_cast<int>(threadIdx.x) % kThreadsPerWarp;
    const auto num_warps = static_cast<int>(blockDim.x) / kThreadsPerWarp;
    value = reduce_warp(value, kThreadsPerWarp, combine);
    if (lane == 0) of_warps[turn_][warp] = value;
    __syncthreads();
    const int width = 1 << (kBitsOfInt - __clz(num_warps - 1));  // a power of two, as many or more
    const int other = lane & (width - 1);
    value = other < num_warps ? of_warps[turn_][other] : Combine::nothing();
    return reduce_warp(value, width, combine);
  }

 private:
  int turn_ = 0;
};

/// The row of the calling thread's team. Threads without a row have one of no elements, because
/// all threads of a warp take part in its reductions.
template <class Form>
class HeldRow {
 public:
  __device__ explicit HeldRow(const HeldRows& rows) : width_(rows.width) {
    const auto thread = static_cast<int>(threadIdx.x);
    lane_ = thread;
    number_ = int64_t{blockIdx.x};
    if (width_ <= kThreadsPerWarp) {
      lane_ = thread & (width_ - 1);
      const int bits = __ffs(width_) - 1;  // a power of two
      number_ = (number_ * kThreadsPerBlock + thread) >> bits;
    }
    move_to(number_, rows);
  }

  /// Takes another row instead.
  __device__ void move_to(int64_t number, const HeldRows& rows) {
    number_ = number;
    size_ = number_ < rows.num_rows ? rows.size : 0;
    shift_ = static_cast<int>(number_ * rows.size % Form::kLanes);
  }

  __device__ int64_t number() const { return number_; }
  __device__ int size() const { return size_; }
  /// Of its elements; 0 where there is none.
  __device__ int64_t start() const { return size_ > 0 ? number_ * size_ : 0; }
  /// Whether this is the one thread that speaks for the row.
  __device__ bool is_first() const { return lane_ == 0 && size_ > 0; }
  /// Which element of the row a held vector begins with: perhaps one in front of it or behind it.
  __device__ int at(int vector) const { return (vector * width_ + lane_) * Form::kLanes - shift_; }

  /// The thread's elements of x[0 .. size), a row of a tensor; `otherwise` outside.
  template <class T>
  __device__ HeldElements<Form> read(const T* x, int size, float otherwise) const {
    HeldElements<Form> held;
#pragma unroll
    for (int i = 0; i < Form::kVectors; ++i) {
      held.vector[i] = read_vector<Form::kLanes, Form::kIsAligned>(x, at(i), size, otherwise);
    }
    return held;
  }

  /// The thread's elements of the row that begins at x, `otherwise` outside, which T holds exactly.
  template <class T>
  __device__ StoredElements<Form, T> read_stored(const T* x, float otherwise) const {
    StoredElements<Form, T> stored;
#pragma unroll
    for (int i = 0; i < Form::kVectors; ++i) {
      stored.vector[i] = cuda::read_stored<Form::kLanes, Form::kIsAligned>(x, at(i), size_,
                                                                           narrowed<T>(otherwise));
    }
    return stored;
  }

  template <class T>
  __device__ void write(T* y, const HeldElements<Form>& held) const {
#pragma unroll
    for (int i = 0; i < Form::kVectors; ++i) {
      write_vector<Form::kIsAligned>(y, at(i), size_, held.vector[i]);
    }
  }

  /// The values of the team's threads combined, for each of them.
  /// Requires: as BlockReduction.
  template <class T, class Combine>
  __device__ T reduce(T value, Combine combine) {
    if (width_ <= kThreadsPerWarp) return reduce_warp(value, width_, combine);
    return block_.reduce(value, combine);
  }

 private:
  BlockReduction block_;
  int64_t number_;
  int width_;
  int size_;
  int lane_;   ///< of the team
  int shift_;  ///< how far behind a vector's beginning the row starts
};

/// f(element, its number in the row) for all that a thread holds, also outside the row.
template <class Form, class Function>
__device__ void for_each_held(const HeldRow<Form>& row, HeldElements<Form>& held, Function f) {
#pragma unroll
  for (int i = 0; i < Form::kVectors; ++i) {
#pragma unroll
    for (int lane = 0; lane < Form::kLanes; ++lane) f(held.vector[i].lane[lane], row.at(i) + lane);
  }
}

/// The same, with what is held of another tensor's row.
template <class Form, class Function>
__device__ void for_each_pair(HeldElements<Form>& held, const HeldElements<Form>& other,
                              Function f) {
#pragma unroll
  for (int i = 0; i < Form::kVectors; ++i) {
#pragma unroll
    for (int lane = 0; lane < Form::kLanes; ++lane) {
      f(held.vector[i].lane[lane], other.vector[i].lane[lane]);
    }
  }
}

}  // namespace graphrt::cuda
