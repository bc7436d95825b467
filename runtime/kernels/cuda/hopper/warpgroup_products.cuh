#pragma once

#include "runtime/kernels/cuda/attention_products.cuh"

namespace graphrt::cuda {

// Products of matrices in shared memory by the four warps of a block together: `wgmma`, which
// computes while its warps go on. Of 64 rows of sums each warp has 16, in tiles as `mma` has them.
// Matrices are stored in panels of 64 columns, 128 bytes a row, of whose vectors of 16 bytes number
// c of row r is in the place of number c ^ (r % 8): what the hardware calls a swizzle of 128 bytes.
// It reads both a matrix and its transpose from that without conflicts of banks.

/// Rows of a matrix, and columns of a panel.
inline constexpr int kPanel = 64;
inline constexpr int kPanelElements = kPanel * kPanel;
/// A panel lies at a multiple of this.
inline constexpr int kPanelAlignment = 1024;

/// Where an element of a matrix of kPanel rows lies.
__device__ constexpr int place_in_panels(int row, int column) {
  const int vector = column % kPanel / 8 ^ row % 8;
  return column / kPanel * kPanelElements + row * kPanel + vector * 8 + column % 8;
}

/// What `wgmma` wants to know of a panel: its address, and that its groups of 8 rows follow each
/// other. Addresses are multiples of 16 bytes.
__device__ inline uint64_t panel_descriptor(const void* panel) {
  constexpr uint64_t kSwizzleOf128Bytes = uint64_t{1} << 62;
  constexpr uint64_t kUnused = uint64_t{1} << 16;
  constexpr uint64_t kBytesOfGroup = 8 * kPanel * 2;
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(panel));
  return (address & 0x3FFFFU) >> 4 | kUnused | kBytesOfGroup / 16 << 32 | kSwizzleOf128Bytes;
}
/// The descriptor of what lies so many bytes behind.
__device__ inline uint64_t behind(uint64_t descriptor, int bytes) {
  return descriptor + static_cast<uint64_t>(bytes / 16);
}

// clang-format off
#define GRAPHRT_SUMS_OF_PANEL(c, j) \
  "+f"(c[j][0]), "+f"(c[j][1]), "+f"(c[j][2]), "+f"(c[j][3])
#define GRAPHRT_ALL_SUMS(c)                                                                       \
  GRAPHRT_SUMS_OF_PANEL(c, 0), GRAPHRT_SUMS_OF_PANEL(c, 1), GRAPHRT_SUMS_OF_PANEL(c, 2),          \
  GRAPHRT_SUMS_OF_PANEL(c, 3), GRAPHRT_SUMS_OF_PANEL(c, 4), GRAPHRT_SUMS_OF_PANEL(c, 5),          \
  GRAPHRT_SUMS_OF_PANEL(c, 6), GRAPHRT_SUMS_OF_PANEL(c, 7)
#define GRAPHRT_SUMS_IN_TEXT                                                                      \
  "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"   \
  "%25,%26,%27,%28,%29,%30,%31}, "
/// sums = or += rows of 16 terms each, times as many columns.
#define GRAPHRT_MULTIPLY_PANELS(Type, text)                                                       \
  __device__ inline void multiply_panels(Type, SumTile* c, uint64_t rows, uint64_t columns,       \
                                         int adds) {                                              \
    asm volatile("{.reg .pred adds; setp.ne.b32 adds, %34, 0; "                                   \
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32." text "." text " "                  \
                 GRAPHRT_SUMS_IN_TEXT "%32, %33, adds, 1, 1, 0, 0;}"                              \
                 : GRAPHRT_ALL_SUMS(c) : "l"(rows), "l"(columns), "r"(adds) : "memory");          \
  }                                                                                               \
  __device__ inline void multiply_by_transposed(Type, SumTile* c, const FourMatrices& rows,       \
                                                uint64_t columns) {                               \
    asm volatile("wgmma.mma_async.sync.aligned.m64n64k16.f32." text "." text " "                  \
                 GRAPHRT_SUMS_IN_TEXT "{%32,%33,%34,%35}, %36, 1, 1, 1, 1;"                       \
                 : GRAPHRT_ALL_SUMS(c)                                                            \
                 : "r"(rows.part[0]), "r"(rows.part[1]), "r"(rows.part[2]), "r"(rows.part[3]),    \
                   "l"(columns) : "memory");                                                      \
  }
GRAPHRT_MULTIPLY_PANELS(__nv_bfloat16, "bf16")
GRAPHRT_MULTIPLY_PANELS(__half, "f16")
#undef GRAPHRT_MULTIPLY_PANELS
#undef GRAPHRT_SUMS_IN_TEXT

__device__ inline void keep_in_order(SumTile* c) { asm volatile("" : GRAPHRT_ALL_SUMS(c) : : "memory"); }
#undef GRAPHRT_ALL_SUMS
#undef GRAPHRT_SUMS_OF_PANEL

/// What threads have written is there for products, once threads have met.
__device__ inline void show_to_products() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
/// Registers are there for products.
__device__ inline void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
/// What was begun since the last call is waited for together.
__device__ inline void end_of_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int kUnderWay>
__device__ void wait_for_all_but() { asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(kUnderWay) : "memory"); }
// clang-format on

}  // namespace graphrt::cuda
