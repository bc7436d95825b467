#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/op/attention.h"

namespace graphrt::cuda {

enum class MaskKind : uint8_t { kNone, kBool, kF32, kBF16, kF16 };

/// Heads up to this wide fit what a block of threads keeps.
inline constexpr int kWidestHead = 128;
/// Most heads are no wider than this, and leave room for more.
inline constexpr int kNarrowHead = 64;
inline constexpr int kThreadsOfAttention = 128;

/// All that a launch needs to know. Addresses that the kernel has no use for are null.
struct AttentionCall {
  const std::byte* q = nullptr;
  const std::byte* k = nullptr;
  const std::byte* v = nullptr;
  const std::byte* mask = nullptr;
  const std::byte* gradient = nullptr;
  const std::byte* result = nullptr;
  const float* log_sum = nullptr;  ///< [B, H, T]
  const float* dots = nullptr;     ///< gradient · result, [B, H, T]
  std::byte* to_result = nullptr;
  float* to_log_sum = nullptr;
  float* to_dots = nullptr;
  std::byte* by_q = nullptr;
  std::byte* by_k = nullptr;
  std::byte* by_v = nullptr;
  MaskStrides mask_strides = {};
  int batch = 0;
  int queries = 0;
  int keys = 0;
  int heads = 0;
  int key_heads = 0;
  int query_width = 0;
  int value_width = 0;
  int64_t query_stride = 0;  ///< elements from one query to the next, all of its heads
  int64_t key_stride = 0;
  int64_t value_stride = 0;
  int64_t result_stride = 0;
  float scale = 1;
  MaskKind mask_kind = MaskKind::kNone;
  bool is_causal = false;
  bool is_f32 = false;  ///< operands and results in memory; else they are what is computed with
  bool has_vectors = false;  ///< 16 bytes of each row at a time
};

/// One kernel: a launch has as many blocks as there are blocks of rows, for each head.
struct AttentionForm {
  void (*kernel)(AttentionCall call) = nullptr;
  int rows_of_block = 0;  ///< queries, or keys, that a block of threads computes the results for
  int shared_bytes = 0;
};

struct AttentionGradientForms {
  AttentionForm by_keys;     ///< gradients by k and v
  AttentionForm by_queries;  ///< gradient by q
};

/// The kernels for one way to multiply.
struct AttentionForms {
  AttentionForm forward;
  AttentionGradientForms gradients;
};

// For heads of up to kNarrowHead, or else up to kWidestHead. f32 alone: plain arithmetic. tf32:
// operands rounded to that. The others: what is in memory, and f32 rounded to bf16.
AttentionForms attention_in_f32(bool is_narrow);
AttentionForms attention_in_tf32(bool is_narrow);
AttentionForms attention_in_bf16(bool is_narrow);
AttentionForms attention_in_f16(bool is_narrow);

}  // namespace graphrt::cuda
