// Attention by our own kernels: which of them, and what they are launched with.
#include "runtime/kernels/cuda/attention.h"

#include <algorithm>
#include <limits>

#include "runtime/kernels/cuda/attention_tiles.cuh"
#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/hopper/warpgroup_attention.h"

namespace graphrt::cuda {
namespace {

/// Vectors of any type are whole ones where rows are multiples of so many elements.
constexpr int kWidestVector = 8;

/// Numbers of rows stay far from the end of what 32 bits hold.
constexpr int64_t kMaxRowsOfHead = int64_t{1} << 30;

/// Of the kernel whose blocks have fewest.
constexpr int64_t kFewestRowsOfBlock = 64;

int64_t num_attention_blocks(int64_t num_rows, int64_t num_heads, int64_t batch,
                             int64_t rows_of_block) {
  return (num_rows + rows_of_block - 1) / rows_of_block * num_heads * batch;
}

Result<void> check_attention_sizes(const AttentionSizes& sizes) {
  const int64_t width = std::max(sizes.query_width, sizes.value_width);
  if (width > kWidestHead) {
    return input_error("attention on CUDA takes heads of at most " + std::to_string(kWidestHead) +
                       " elements; got " + std::to_string(width));
  }
  const int64_t num_rows = std::max(sizes.queries, sizes.keys);
  constexpr int64_t kMaxBlocks = std::numeric_limits<int32_t>::max();
  if (num_rows <= kMaxRowsOfHead &&
      num_attention_blocks(num_rows, sizes.heads, sizes.batch, kFewestRowsOfBlock) <= kMaxBlocks) {
    return {};
  }
  return input_error("attention on CUDA takes fewer queries and keys than " +
                     std::to_string(sizes.queries) + " and " + std::to_string(sizes.keys));
}

MaskKind mask_kind(ElementType element) {
  switch (element) {
    case ElementType::kF32:
      return MaskKind::kF32;
    case ElementType::kBF16:
      return MaskKind::kBF16;
    case ElementType::kF16:
      return MaskKind::kF16;
    default:
      return MaskKind::kBool;
  }
}

/// All but the addresses.
AttentionCall call_of(const KernelSpec& spec, const AttentionOperands& operands) {
  const AttentionSizes sizes = attention_sizes(spec.inputs, operands, spec.attributes);
  AttentionCall call;
  call.batch = static_cast<int>(sizes.batch);
  call.queries = static_cast<int>(sizes.queries);
  call.keys = static_cast<int>(sizes.keys);
  call.heads = static_cast<int>(sizes.heads);
  call.key_heads = static_cast<int>(sizes.key_heads);
  call.query_width = static_cast<int>(sizes.query_width);
  call.value_width = static_cast<int>(sizes.value_width);
  call.query_stride = sizes.query_stride;
  call.key_stride = sizes.key_stride;
  call.value_stride = sizes.value_stride;
  call.result_stride = sizes.result_stride();
  call.scale = attention_scale(sizes, spec.attributes);
  call.is_causal = spec.attributes.flag("causal");
  call.is_f32 = spec.inputs[operands.q].element == ElementType::kF32;
  call.has_vectors =
      sizes.query_width % kWidestVector == 0 && sizes.value_width % kWidestVector == 0;
  if (spec.inputs.size() <= operands.mask) return call;
  const TensorType& mask = spec.inputs[operands.mask];
  call.mask_kind = mask_kind(mask.element);
  call.mask_strides = mask_strides(mask.shape);
  return call;
}

/// What operands are rounded to before they are multiplied: f32 is what stays f32.
enum class AttentionMath : uint8_t { kF32, kTf32, kBF16, kF16 };

AttentionMath attention_math(const KernelSpec& spec, ElementType element) {
  if (element == ElementType::kBF16) return AttentionMath::kBF16;
  if (element == ElementType::kF16) return AttentionMath::kF16;
  switch (product_math(spec.attributes)) {
    case ProductMath::kF32:
      break;
    case ProductMath::kTf32:
      return AttentionMath::kTf32;
    case ProductMath::kBf16:
      return AttentionMath::kBF16;
  }
  return AttentionMath::kF32;
}

bool has_narrow_heads(const AttentionCall& call) {
  return std::max(call.query_width, call.value_width) <= kNarrowHead;
}

AttentionForms forms_for(AttentionMath math, bool is_narrow) {
  switch (math) {
    case AttentionMath::kF32:
      break;
    case AttentionMath::kTf32:
      return attention_in_tf32(is_narrow);
    case AttentionMath::kBF16:
      return attention_in_bf16(is_narrow);
    case AttentionMath::kF16:
      return attention_in_f16(is_narrow);
  }
  return attention_in_f32(is_narrow);
}

/// Whether the current GPU has the instructions of hopper/.
Result<bool> is_hopper() {
  constexpr int kMajorOfHopper = 9;
  int gpu = 0;
  int major = 0;
  CUDA_TRY(cudaGetDevice(&gpu));
  CUDA_TRY(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu));
  return major == kMajorOfHopper;
}

Result<AttentionGradientForms> gradient_forms_for(const AttentionCall& call, AttentionMath math) {
  const bool is_narrow = has_narrow_heads(call);
  const bool is_16_bits = math == AttentionMath::kBF16 || math == AttentionMath::kF16;
  if (is_16_bits && call.mask_kind == MaskKind::kNone) {
    TRY(const bool has_warpgroups, is_hopper());
    if (has_warpgroups) {
      return math == AttentionMath::kBF16 ? warpgroup_gradients_in_bf16(is_narrow)
                                          : warpgroup_gradients_in_f16(is_narrow);
    }
  }
  return forms_for(math, is_narrow).gradients;
}

Result<void> allow_shared_bytes(const AttentionForm& form) {
  CUDA_TRY(cudaFuncSetAttribute(form.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                form.shared_bytes));
  return {};
}

Result<void> launch_form(const AttentionForm& form, const AttentionCall& call, int num_rows,
                         int num_heads, const CudaQueue& queue) {
  const int64_t num_blocks =
      num_attention_blocks(num_rows, num_heads, call.batch, form.rows_of_block);
  form.kernel<<<static_cast<unsigned>(num_blocks), kThreadsOfAttention,
                static_cast<size_t>(form.shared_bytes), queue.stream>>>(call);
  CUDA_TRY(cudaGetLastError());
  return {};
}

class OwnAttention : public CudaKernel {
 public:
  OwnAttention(const AttentionCall& call, const HeadPlaces& places, const AttentionForm& form)
      : call_(call), places_(places), form_(form) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    AttentionCall call = call_;
    const auto [q, k, v] = places_.in(at.inputs);
    call.q = q;
    call.k = k;
    call.v = v;
    if (call.mask_kind != MaskKind::kNone) call.mask = at.inputs[places_.operands.mask];
    call.to_result = at.result();
    call.to_log_sum = elements<float>(at.results[1]);
    call.has_vectors = call.has_vectors && are_aligned(kVectorBytes, call.q, call.k, call.v);
    return launch_form(form_, call, call.queries, call.heads, queue);
  }

 private:
  AttentionCall call_;
  HeadPlaces places_;
  AttentionForm form_;
};

/// Threads for the dot product of a query; neighbours.
constexpr int kThreadsOfDot = 8;

/// Of each query, the sum of gradient · result.
template <class T>
__global__ void __launch_bounds__(kThreadsPerBlock) dot_results(const AttentionCall call) {
  constexpr int kSize = static_cast<int>(kVectorBytes / sizeof(T));
  const int64_t row = thread_number() / kThreadsOfDot;
  const int lane = static_cast<int>(threadIdx.x) % kThreadsOfDot;
  const bool is_there = row < int64_t{call.batch} * call.queries * call.heads;
  const int width = is_there ? call.value_width : 0;
  const auto* gradient = reinterpret_cast<const T*>(call.gradient) + row * call.value_width;
  const auto* result = reinterpret_cast<const T*>(call.result) + row * call.value_width;
  float dot = 0;
  if (call.has_vectors) {
#pragma unroll 2
    for (int i = lane * kSize; i < width; i += kThreadsOfDot * kSize) {
      const auto a = load<kSize>(gradient + i);
      const auto b = load<kSize>(result + i);
#pragma unroll
      for (int e = 0; e < kSize; ++e) dot = fmaf(widened(a.lane[e]), widened(b.lane[e]), dot);
    }
  } else {
    for (int i = lane; i < width; i += kThreadsOfDot) {
      dot = fmaf(widened(gradient[i]), widened(result[i]), dot);
    }
  }
#pragma unroll
  for (int distance = kThreadsOfDot / 2; distance > 0; distance /= 2) {
    dot += __shfl_xor_sync(~0U, dot, distance);
  }
  if (!is_there || lane != 0) return;
  const int64_t head = row % call.heads;
  const int64_t query = row / call.heads % call.queries;
  const int64_t batch = row / call.heads / call.queries;
  call.to_dots[(batch * call.heads + head) * call.queries + query] = dot;
}

Result<void> launch_dots(ElementType element, const AttentionCall& call, const CudaQueue& queue) {
  const int64_t num_rows = int64_t{call.batch} * call.queries * call.heads;
  constexpr int kRowsOfDots = kThreadsPerBlock / kThreadsOfDot;
  return with_device_float(element, [&](auto tag) -> Result<void> {
    dot_results<typename decltype(tag)::Type>
        <<<num_blocks_for(num_rows, kRowsOfDots), kThreadsPerBlock, 0, queue.stream>>>(call);
    CUDA_TRY(cudaGetLastError());
    return {};
  });
}

class OwnAttentionGrad : public CudaKernel {
 public:
  OwnAttentionGrad(const AttentionCall& call, const HeadPlaces& places,
                   const AttentionGradientForms& forms, ElementType element)
      : call_(call), places_(places), forms_(forms), element_(element) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const AttentionOperands& operands = places_.operands;
    AttentionCall call = call_;
    const auto [q, k, v] = places_.in(at.inputs);
    call.gradient = at.inputs[operands.gradient()];
    call.q = q;
    call.k = k;
    call.v = v;
    call.result = at.inputs[operands.result()];
    call.log_sum = elements<float>(at.inputs[operands.log_sum()]);
    if (call.mask_kind != MaskKind::kNone) call.mask = at.inputs[operands.mask];
    call.to_dots = elements<float>(at.scratch);
    call.dots = call.to_dots;
    call.by_q = at.results[0];
    call.by_k = (operands.are_packed() ? at.results[0] : at.results[1]) + places_.keys_at;
    call.by_v = (operands.are_packed() ? at.results[0] : at.results[2]) + places_.values_at;
    call.has_vectors = call.has_vectors && are_aligned(kVectorBytes, call.gradient, call.q, call.k,
                                                       call.v, call.result);
    TRY(launch_dots(element_, call, queue));
    TRY(launch_form(forms_.by_keys, call, call.keys, call.key_heads, queue));
    return launch_form(forms_.by_queries, call, call.queries, call.heads, queue);
  }

 private:
  AttentionCall call_;
  HeadPlaces places_;
  AttentionGradientForms forms_;
  ElementType element_;
};

}  // namespace

KernelResult make_attention(const KernelSpec& spec, const AttentionOperands& operands) {
  const AttentionSizes sizes = attention_sizes(spec.inputs, operands, spec.attributes);
  TRY(check_attention_sizes(sizes));
  const AttentionCall call = call_of(spec, operands);
  const ElementType element = spec.result().element;
  const AttentionForm form =
      forms_for(attention_math(spec, element), has_narrow_heads(call)).forward;
  TRY(allow_shared_bytes(form));
  return std::make_unique<OwnAttention>(call, HeadPlaces(operands, sizes, element), form);
}

KernelResult make_attention_grad(const KernelSpec& spec, const AttentionOperands& operands) {
  const AttentionSizes sizes = attention_sizes(spec.inputs, operands, spec.attributes);
  TRY(check_attention_sizes(sizes));
  const AttentionCall call = call_of(spec, operands);
  const ElementType element = spec.result().element;
  TRY(const AttentionGradientForms forms, gradient_forms_for(call, attention_math(spec, element)));
  TRY(allow_shared_bytes(forms.by_keys));
  TRY(allow_shared_bytes(forms.by_queries));
  return std::make_unique<OwnAttentionGrad>(call, HeadPlaces(operands, sizes, element), forms,
                                            element);
}

}  // namespace graphrt::cuda
