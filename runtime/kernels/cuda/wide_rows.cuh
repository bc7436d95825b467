#pragma once

#include <cooperative_groups.h>
#include <cuda_pipeline_primitives.h>

#include <algorithm>
#include <type_traits>

#include "runtime/kernels/cuda/held_rows.cuh"

namespace graphrt::cuda {

// Rows that registers do not hold: a block, or a cluster of blocks on neighbouring multiprocessors,
// keeps one in shared memory. What that does not hold is read again.

/// A row in so many vectors for each block; as HeldRows.
struct WideRows {
  int64_t num_rows;
  int64_t size;
  int num_kept;   ///< vectors of a tensor's row that a block keeps
  int num_ranks;  ///< blocks that share a row
  unsigned threads_per_block;
  unsigned shared_bytes;
};

/// Of a block, for each of its threads: as many blocks as have the registers fit on a
/// multiprocessor, beside what reductions take, and some read while others write.
inline constexpr int64_t kMaxKeptBytesOfThread = 106;
inline constexpr unsigned kWideThreads = 512;
inline constexpr unsigned kWidestThreads = 1024;
/// Blocks on a multiprocessor: a vector of 16-bit elements takes twice the registers once they are
/// floats.
template <class T>
constexpr int wide_blocks(int num_of_f32, int num_of_narrow) {
  return kAreNarrow<T> ? num_of_narrow : num_of_f32;
}
inline constexpr int kMaxRanks = 8;  ///< the largest cluster that every Hopper GPU starts

inline bool are_wide_rows_possible(int64_t num_rows, int64_t size) {
  // Threads behind the end of a row compute where they are, too.
  constexpr int64_t kMax = (int64_t{1} << 31) - (int64_t{1} << 20);
  return num_rows * kMaxRanks <= kMax && size <= kMax;
}

/// In the widest vectors, of so many elements. `num_tensors`: how many are read twice.
inline WideRows wide_rows_of(int64_t num_rows, int64_t size, int num_lanes, int64_t num_tensors,
                             unsigned num_threads = kWideThreads) {
  const int64_t max_kept_bytes = num_threads * kMaxKeptBytesOfThread;
  constexpr int64_t kBytesOfVector = kVectorBytes;
  WideRows rows = {.num_rows = num_rows,
                   .size = size,
                   .num_kept = 0,
                   .num_ranks = 1,
                   .threads_per_block = num_threads,
                   .shared_bytes = 0};
  if (num_tensors == 0) return rows;
  const int64_t num_vectors = num_vectors_of_row(size, num_lanes);
  const int64_t row_bytes = num_tensors * num_vectors * kBytesOfVector;
  while (row_bytes > rows.num_ranks * max_kept_bytes && rows.num_ranks < kMaxRanks) {
    rows.num_ranks *= 2;
  }
  const int64_t threads_of_row = int64_t{num_threads} * rows.num_ranks;
  // Every thread keeps as many as the others.
  const int64_t num_turns = num_blocks_for(num_vectors, threads_of_row);
  const int64_t turn_bytes = num_tensors * num_threads * kBytesOfVector;
  const int64_t num_kept_turns = std::min(num_turns, max_kept_bytes / turn_bytes);
  rows.num_kept = static_cast<int>(num_kept_turns * num_threads);
  rows.shared_bytes = static_cast<unsigned>(num_kept_turns * turn_bytes);
  return rows;
}

/// Lets a kernel have that much shared memory on the current device.
template <class Kernel>
Result<void> allow_kept_bytes(Kernel* kernel) {
  CUDA_TRY(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                static_cast<int>(kWidestThreads * kMaxKeptBytesOfThread)));
  return {};
}

/// Queues a kernel whose first argument is the rows.
template <class... Parameters, class... Arguments>
Result<void> launch_wide(void (*kernel)(WideRows, Parameters...), const CudaQueue& queue,
                         const WideRows& rows, Arguments... arguments) {
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {static_cast<unsigned>(rows.num_ranks), 1, 1};
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(rows.num_rows * rows.num_ranks));
  config.blockDim = dim3(rows.threads_per_block);
  config.dynamicSmemBytes = rows.shared_bytes;
  config.stream = queue.stream;
  config.attrs = &cluster;
  config.numAttrs = rows.num_ranks > 1 ? 1 : 0;
  CUDA_TRY(cudaLaunchKernelEx(&config, kernel, rows, static_cast<Parameters>(arguments)...));
  return {};
}

/// The calling block's part of a row of T: every num_ranks-th batch of vectors. Each thread reads,
/// keeps and writes vectors of its own: none waits for another. Kept is what memory holds.
template <class T, bool kIsAligned>
class WideRow {
 public:
  static constexpr int kLanes = kLanesOf<T>;
  using Stored = Vector<T, kLanes>;
  using Floats = Vector<float, kLanes>;

  __device__ explicit WideRow(const WideRows& rows)
      : num_ranks_(rows.num_ranks),
        rank_(static_cast<int>(blockIdx.x % static_cast<unsigned>(rows.num_ranks))),
        number_(int64_t{blockIdx.x / static_cast<unsigned>(rows.num_ranks)}),
        size_(static_cast<int>(rows.size)),
        shift_(static_cast<int>(number_ * rows.size % kLanes)),
        num_kept_(rows.num_kept) {}

  __device__ int64_t number() const { return number_; }
  __device__ int64_t start() const { return number_ * size_; }
  __device__ int size() const { return size_; }
  /// Whether this is the one thread that speaks for the row.
  __device__ bool is_first() const { return threadIdx.x == 0 && rank_ == 0; }

  /// f(batch of stored vectors) for the elements x[0 .. size), `otherwise` outside; keeps them. What f
  /// does takes as long as reading: batches go through registers, and no thread waits for more than
  /// its own.
  template <class Function>
  __device__ void read(const T* x, int size, float otherwise, Function f) const {
    Stored* kept = kept_vectors();
    for (int slot = thread(); at(slot) < size_; slot += kBatch * num_threads()) {
      Stored batch[kBatch];
      read_batch(x, slot, size, otherwise, batch);
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        const int own = slot + i * num_threads();
        if (own < num_kept_) kept[own] = batch[i];
      }
      f(batch);
    }
  }

  /// f(a, b, number of their first element) for the vectors of two tensors, with 0 and `otherwise`
  /// outside; keeps both.
  template <class Function>
  __device__ void read_pair(const T* x, const T* y, float otherwise, Function f) const {
    keep(kept_vectors(), x, size_, 0);
    keep(kept_vectors() + num_kept_, y, size_, otherwise);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    read_pair_again(x, y, otherwise, f);
  }

  /// f(vector, number of its first element) for what read() kept of x, and for the rest of it.
  template <class Function>
  __device__ void read_again(const T* x, Function f) const {
    const Stored* kept = kept_vectors();
#pragma unroll 4
    for (int slot = thread(); at(slot) < size_; slot += num_threads()) {
      const int i = at(slot);
      f(widened(slot < num_kept_ ? kept_at(kept, slot) : read_again_at(x, i, 0)), i);
    }
  }

  /// The same of what read_pair() kept, and of the rest.
  template <class Function>
  __device__ void read_pair_again(const T* x, const T* y, float otherwise, Function f) const {
    const Stored* kept = kept_vectors();
#pragma unroll 2
    for (int slot = thread(); at(slot) < size_; slot += num_threads()) {
      const int i = at(slot);
      if (slot < num_kept_) {
        f(widened(kept_at(kept, slot)), widened(kept_at(kept, num_kept_ + slot)), i);
      } else {
        f(widened(read_again_at(x, i, 0)), widened(read_again_at(y, i, otherwise)), i);
      }
    }
  }

  __device__ void write(T* y, int i, const Floats& vector) const {
    write_vector<kIsAligned>(y, i, size_, vector);
  }

  /// The values of all threads that share the row combined, for each of them.
  /// Requires: as BlockReduction; called once.
  template <class Value, class Combine>
  __device__ Value reduce(Value value, Combine combine) const {
    value = BlockReduction().reduce(value, combine);
    if (num_ranks_ == 1) return value;
    __shared__ Value of_ranks[kMaxRanks];
    const auto cluster = cooperative_groups::this_cluster();
    cluster.sync();  // the others' shared memory is there once they have begun
    if (thread() < num_ranks_) {
      *cluster.map_shared_rank(&of_ranks[rank_], static_cast<unsigned>(thread())) = value;
    }
    cluster.sync();
    value = of_ranks[0];
    for (int rank = 1; rank < num_ranks_; ++rank) value = combine(value, of_ranks[rank]);
    return value;
  }

 private:
  /// Vectors of 16-bit elements take more registers once they are floats.
  static constexpr int kBatch = kAreNarrow<T> ? 2 : 4;

  __device__ bool is_kept(int slot) const { return slot < num_kept_ && at(slot) < size_; }

  /// Batches of whole vectors, which most are, without a look at each.
  __device__ void read_batch(const T* x, int slot, int size, float otherwise,
                             Stored (&batch)[kBatch]) const {
    const int last = slot + (kBatch - 1) * num_threads();
    if (at(slot) >= 0 && at(last) + kLanes <= size) {
      const T* first = x + at(slot);
      const int step = num_threads() * num_ranks_ * kLanes;
#pragma unroll
      for (int i = 0; i < kBatch; ++i) {
        batch[i] = load_elements<kLanes, kIsAligned>(first + i * step);
      }
      return;
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      batch[i] = read_stored<kLanes, kIsAligned>(x, at(slot + i * num_threads()), size,
                                                 narrowed<T>(otherwise));
    }
  }

  /// Asks for all that the thread keeps of x. Whole vectors go from memory to where they are kept
  /// past the other cache, which is small beside so much shared memory: through it, few could be
  /// under way.
  __device__ void keep(Stored* kept, const T* x, int size, float otherwise) const {
    for (int slot = thread(); is_kept(slot); slot += num_threads()) {
      const int i = at(slot);
      if constexpr (kIsAligned) {
        if (i >= 0 && i + kLanes <= size) {
          __pipeline_memcpy_async(&kept[slot], x + i, sizeof(Stored));
          continue;
        }
      }
      kept[slot] = read_stored<kLanes, kIsAligned>(x, i, size, narrowed<T>(otherwise));
    }
  }

  /// All at once, not one 16-bit element after the other.
  __device__ static Stored kept_at(const Stored* kept, int slot) {
    Stored vector;
    if constexpr (kAreNarrow<T>) {
      const auto words = load<kLanes / 2>(reinterpret_cast<const uint32_t*>(kept + slot));
      memcpy(&vector, &words, sizeof(vector));
      keep_packed(vector);
    } else {
      vector = kept[slot];
    }
    return vector;
  }

  __device__ Stored read_again_at(const T* x, int i, float otherwise) const {
    return read_stored<kLanes, kIsAligned>(x, i, size_, narrowed<T>(otherwise));
  }

  __device__ static Stored* kept_vectors() {
    extern __shared__ Vector<float, kWidest> kept_vectors_of_row[];
    return reinterpret_cast<Stored*>(kept_vectors_of_row);
  }
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }
  __device__ static int num_threads() { return static_cast<int>(blockDim.x); }
  /// Which element of the row the vector in a slot begins with: slots are the vectors of the block,
  /// turn by turn.
  __device__ int at(int slot) const {
    const int turns_before = slot - thread();  // times the threads of the block
    const int vector = turns_before * num_ranks_ + rank_ * num_threads() + thread();
    return vector * kLanes - shift_;
  }

  int num_ranks_;
  int rank_;
  int64_t number_;
  int size_;
  int shift_;
  int num_kept_;
};

}  // namespace graphrt::cuda
