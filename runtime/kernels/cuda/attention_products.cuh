#pragma once

#include <cstdint>

#include "runtime/kernels/cuda/storage.cuh"

namespace graphrt::cuda {

// Products of small matrices by one warp. Sums are tiles of 16 x 8 in the layout of the instruction
// `mma`: with g = lane / 4 and t = lane % 4, a lane has (g, 2t), (g, 2t + 1), (g + 8, 2t) and
// (g + 8, 2t + 1). The ways to multiply differ in what operands are rounded to, and all have:
//
//   lane()                          the lane's number in what is said above
//   kOneBitOfRow, kOtherBitOfRow    what the numbers of a row's four lanes differ by in hardware
//   Element                         an operand's element in shared memory
//   kDepth                          terms of a sum that are added at once
//   stored(x)                       x as an element
//   load_rows(a, stride)            16 x kDepth elements of a matrix
//   rows_of(sums, step)             the same from tiles of sums, from column step * kDepth on
//   load_rows_as_columns(b, stride) kDepth x 16 elements, where b has a row for each column
//   load_columns(b, stride)         the same, where b has a row for each term; rows_of() knows
//                                   which of the terms is which
//   multiply(sums, more, rows, columns)  two tiles side by side
//   kScratchOfRow                   elements of shared memory that add_product_of_sums() needs for
//                                   each row
//   column_of_product(tile)         the lane's first column of a tile of what that adds up

__device__ inline int lane_of_warp() { return static_cast<int>(threadIdx.x) % 32; }
/// The first row and the first column within a tile of sums of the lane with this number.
template <class Math>
__device__ int row_in_tile() {
  return Math::lane() / 4;
}
template <class Math>
__device__ int column_in_tile() {
  return Math::lane() % 4 * 2;
}

using SumTile = float[4];

/// Tensor cores number lanes as the hardware does, and have all sums alike.
struct ByTensorCores {
  static constexpr int kScratchOfRow = 0;
  static constexpr int kOneBitOfRow = 1;
  static constexpr int kOtherBitOfRow = 2;

  __device__ static int lane() { return lane_of_warp(); }
  __device__ static int column_of_product(int tile) {
    return 8 * tile + column_in_tile<ByTensorCores>();
  }
};

/// kRowTiles times 16 rows, and as many columns as there are tiles beside each other.
template <int kRowTiles, int kTiles>
using SumTiles = SumTile[kRowTiles][kTiles];

// clang-format off
__device__ inline uint32_t packed(__nv_bfloat16, float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return reinterpret_cast<const uint32_t&>(pair);
}
__device__ inline uint32_t packed(__half, float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  return reinterpret_cast<const uint32_t&>(pair);
}

__device__ inline void mma(__nv_bfloat16, SumTile& c, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void mma(__half, SumTile& c, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ inline void mma_of_tf32(SumTile& c, const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// clang-format on

/// Four matrices of 8 x 8 elements of 16 bits, for each of whose rows a lane gives the address.
struct FourMatrices {
  uint32_t part[4];
};
__device__ inline FourMatrices load_matrices(const void* row) {
  FourMatrices matrices;
  uint32_t(&part)[4] = matrices.part;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(part[0]), "=r"(part[1]), "=r"(part[2]), "=r"(part[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
  return matrices;
}
/// The same, each transposed.
__device__ inline FourMatrices load_transposed(const void* row) {
  FourMatrices matrices;
  uint32_t(&part)[4] = matrices.part;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(part[0]), "=r"(part[1]), "=r"(part[2]), "=r"(part[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
  return matrices;
}

/// Tensor cores on bf16 or f16.
template <class T>
struct By16Bits : ByTensorCores {
  using Element = T;
  static constexpr int kDepth = 16;

  __device__ static T stored(float x) { return narrowed<T>(x); }

  __device__ static FourMatrices load_rows(const T* a, int stride) {
    const int lane = lane_of_warp();
    return load_matrices(a + lane % 16 * stride + lane / 16 * 8);
  }
  template <int kTiles>
  __device__ static FourMatrices rows_of(const SumTile (&sums)[kTiles], int step) {
    const SumTile& first = sums[2 * step];
    const SumTile& second = sums[2 * step + 1];
    return {{packed(T(), first[0], first[1]), packed(T(), first[2], first[3]),
             packed(T(), second[0], second[1]), packed(T(), second[2], second[3])}};
  }
  __device__ static FourMatrices load_rows_as_columns(const T* b, int stride) {
    const int lane = lane_of_warp();
    return load_matrices(b + (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8);
  }
  __device__ static FourMatrices load_columns(const T* b, int stride) {
    const int lane = lane_of_warp();
    return load_transposed(b + lane % 16 * stride + lane / 16 * 8);
  }
  __device__ static void multiply(SumTile& sums, SumTile& more, const FourMatrices& rows,
                                  const FourMatrices& columns) {
    mma(T(), sums, rows.part, columns.part[0], columns.part[1]);
    mma(T(), more, rows.part, columns.part[2], columns.part[3]);
  }
};

__device__ inline uint32_t rounded_to_tf32(float x) {
  uint32_t bits = 0;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
}

/// Tensor cores on f32 rounded to tf32. Terms 2t and 2t + 1 of sums that are read as rows stand
/// where the instruction has terms t and t + 4: so no lane needs what another has.
struct ByTf32 : ByTensorCores {
  using Element = float;
  static constexpr int kDepth = 8;

  __device__ static float stored(float x) { return x; }

  __device__ static FourMatrices rounded(float a, float b, float c, float d) {
    return {{rounded_to_tf32(a), rounded_to_tf32(b), rounded_to_tf32(c), rounded_to_tf32(d)}};
  }
  __device__ static FourMatrices load_rows(const float* a, int stride) {
    const float* at = a + row_in_tile<ByTf32>() * stride + lane_of_warp() % 4;
    return rounded(at[0], at[8 * stride], at[4], at[8 * stride + 4]);
  }
  template <int kTiles>
  __device__ static FourMatrices rows_of(const SumTile (&sums)[kTiles], int step) {
    const SumTile& tile = sums[step];
    return rounded(tile[0], tile[2], tile[1], tile[3]);
  }
  __device__ static FourMatrices load_rows_as_columns(const float* b, int stride) {
    const float* at = b + row_in_tile<ByTf32>() * stride + lane_of_warp() % 4;
    return rounded(at[0], at[4], at[8 * stride], at[8 * stride + 4]);
  }
  __device__ static FourMatrices load_columns(const float* b, int stride) {
    const float* at = b + column_in_tile<ByTf32>() * stride + row_in_tile<ByTf32>();
    return rounded(at[0], at[stride], at[8], at[stride + 8]);
  }
  __device__ static void multiply(SumTile& sums, SumTile& more, const FourMatrices& rows,
                                  const FourMatrices& columns) {
    mma_of_tf32(sums, rows.part, columns.part[0], columns.part[1]);
    mma_of_tf32(more, rows.part, columns.part[2], columns.part[3]);
  }
};

/// Plain arithmetic on f32: each lane makes its own sums, whose rows it reads with three others and
/// whose columns with seven. Sums that become an operand pass through shared memory, a tile of each
/// row of tiles at a time.
struct ByF32 {
  using Element = float;
  static constexpr int kDepth = 4;

  struct Rows {
    Vector<float, kDepth> at[2];
  };
  struct Columns {
    float at[4][kDepth];
  };
  static constexpr int kScratchOfRow = 12;
  static constexpr int kOneBitOfRow = 1;
  static constexpr int kOtherBitOfRow = 4;

  /// Bits 1 and 2 change places. Then lanes whose numbers differ in bit 0 alone read the same row,
  /// and those that differ in bit 1 the same column: the hardware serves such pairs together.
  __device__ static int lane() {
    const int lane = lane_of_warp();
    return (lane & 0b11001) | (lane & 0b10) << 1 | (lane & 0b100) >> 1;
  }

  /// Four columns side by side, of two tiles.
  __device__ static int column_of_product(int tile) {
    return tile / 2 * 16 + lane() % 4 * 4 + tile % 2 * 2;
  }

  __device__ static float stored(float x) { return x; }

  __device__ static Rows load_rows(const float* a, int stride) {
    const float* at = a + row_in_tile<ByF32>() * stride;
    return {{load<kDepth>(at), load<kDepth>(at + 8 * stride)}};
  }
  __device__ static Columns load_rows_as_columns(const float* b, int stride) {
    Columns columns;
#pragma unroll
    for (int c = 0; c < 4; ++c) {
      const auto row = load<kDepth>(b + (column_in_tile<ByF32>() + c % 2 + c / 2 * 8) * stride);
#pragma unroll
      for (int i = 0; i < kDepth; ++i) columns.at[c][i] = row.lane[i];
    }
    return columns;
  }
  __device__ static void multiply(SumTile& sums, SumTile& more, const Rows& rows,
                                  const Columns& columns) {
#pragma unroll
    for (int i = 0; i < kDepth; ++i) {
#pragma unroll
      for (int c = 0; c < 2; ++c) {
#pragma unroll
        for (int r = 0; r < 2; ++r) {
          const float factor = rows.at[r].lane[i];
          sums[2 * r + c] = fmaf(factor, columns.at[c][i], sums[2 * r + c]);
          more[2 * r + c] = fmaf(factor, columns.at[2 + c][i], more[2 * r + c]);
        }
      }
    }
  }

  /// 8 columns of `a` become readable for all lanes.
  template <int kRowTiles, int kTerms>
  __device__ static void pass_tile(const SumTiles<kRowTiles, kTerms>& a, int tile, float* scratch) {
    float* at = scratch + row_in_tile<ByF32>() * kScratchOfRow + column_in_tile<ByF32>();
    __syncwarp();
#pragma unroll
    for (int r = 0; r < 2 * kRowTiles; ++r) {
      const float* pair = a[r / 2][tile] + r % 2 * 2;
      store<2>(at + 8 * r * kScratchOfRow, Vector<float, 2>{{pair[0], pair[1]}});
    }
    __syncwarp();
  }
  template <int kRowTiles, int kTerms, int kTiles>
  __device__ static void add_product_of_sums(SumTiles<kRowTiles, kTiles>& sums,
                                             const SumTiles<kRowTiles, kTerms>& a, const float* b,
                                             int stride, float* scratch) {
    const float* columns = b + lane() % 4 * 4;
    const float* rows = scratch + row_in_tile<ByF32>() * kScratchOfRow;
#pragma unroll
    for (int term = 0; term < 8 * kTerms; term += kDepth) {
      if (term % 8 == 0) pass_tile(a, term / 8, scratch);
      Vector<float, kDepth> row[2 * kRowTiles];
#pragma unroll
      for (int r = 0; r < 2 * kRowTiles; ++r) {
        row[r] = load<kDepth>(rows + 8 * r * kScratchOfRow + term % 8);
      }
#pragma unroll
      for (int i = 0; i < kDepth; ++i) {
#pragma unroll
        for (int j = 0; j < kTiles; j += 2) {
          const auto column = load<4>(columns + (term + i) * stride + 8 * j);
#pragma unroll
          for (int r = 0; r < 2 * kRowTiles; ++r) {
            float* first = sums[r / 2][j] + r % 2 * 2;
            float* second = sums[r / 2][j + 1] + r % 2 * 2;
            first[0] = fmaf(row[r].lane[i], column.lane[0], first[0]);
            first[1] = fmaf(row[r].lane[i], column.lane[1], first[1]);
            second[0] = fmaf(row[r].lane[i], column.lane[2], second[0]);
            second[1] = fmaf(row[r].lane[i], column.lane[3], second[1]);
          }
        }
      }
    }
  }
};

/// sums += a b^T, both of `depth` columns. Requires: depth is a multiple of 16.
template <class Math, int kRowTiles, int kTiles>
__device__ void add_product_of_rows(SumTiles<kRowTiles, kTiles>& sums,
                                    const typename Math::Element* a,
                                    const typename Math::Element* b, int stride, int depth) {
#pragma unroll 2
  for (int k = 0; k < depth; k += Math::kDepth) {
    decltype(Math::load_rows(a, stride)) rows[kRowTiles];
#pragma unroll
    for (int r = 0; r < kRowTiles; ++r) rows[r] = Math::load_rows(a + 16 * r * stride + k, stride);
#pragma unroll
    for (int j = 0; j < kTiles; j += 2) {
      const auto columns = Math::load_rows_as_columns(b + 8 * j * stride + k, stride);
#pragma unroll
      for (int r = 0; r < kRowTiles; ++r) {
        Math::multiply(sums[r][j], sums[r][j + 1], rows[r], columns);
      }
    }
  }
}

/// sums += a b, where a are sums themselves. `scratch`: the warp's own.
template <class Math, int kRowTiles, int kTerms, int kTiles>
__device__ void add_product_of_sums(SumTiles<kRowTiles, kTiles>& sums,
                                    const SumTiles<kRowTiles, kTerms>& a,
                                    const typename Math::Element* b, int stride,
                                    typename Math::Element* scratch) {
  if constexpr (Math::kScratchOfRow > 0) {
    return Math::add_product_of_sums(sums, a, b, stride, scratch);
  } else {
#pragma unroll
    for (int step = 0; step < 8 * kTerms / Math::kDepth; ++step) {
      decltype(Math::rows_of(a[0], step)) rows[kRowTiles];
#pragma unroll
      for (int r = 0; r < kRowTiles; ++r) rows[r] = Math::rows_of(a[r], step);
#pragma unroll
      for (int j = 0; j < kTiles; j += 2) {
        const auto columns = Math::load_columns(b + step * Math::kDepth * stride + 8 * j, stride);
#pragma unroll
        for (int r = 0; r < kRowTiles; ++r) {
          Math::multiply(sums[r][j], sums[r][j + 1], rows[r], columns);
        }
      }
    }
  }
}

}  // namespace graphrt::cuda
