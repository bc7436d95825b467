#pragma once

#include <memory>
#include <span>

#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/cuda_kernels.h"

namespace graphrt::cuda {

/// What a kernel is made for. Requires: the type rule gives `result` for these operands, and no
/// tensor has more than kMaxElements.
struct KernelSpec {
  std::span<const TensorType> inputs;
  const TensorType& result;
  const Attributes& attributes;
  cublasLtHandle_t blas;
  std::string_view algorithm = {};  ///< empty: the first that the library names
};

/// 256 GiB. Keeps the number of blocks of every launch below CUDA's limit of 2^31 - 1.
inline constexpr int64_t kMaxElements = int64_t{1} << 36;

using KernelResult = Result<std::unique_ptr<const CudaKernel>>;
using Prepare = KernelResult (*)(const KernelSpec& spec);

KernelResult prepare_accuracy(const KernelSpec& spec);
KernelResult prepare_adam_update(const KernelSpec& spec);
KernelResult prepare_add(const KernelSpec& spec);
KernelResult prepare_argmax(const KernelSpec& spec);
KernelResult prepare_binary_cross_entropy(const KernelSpec& spec);
KernelResult prepare_binary_cross_entropy_grad(const KernelSpec& spec);
KernelResult prepare_broadcast(const KernelSpec& spec);
KernelResult prepare_clip_factor(const KernelSpec& spec);
KernelResult prepare_concat(const KernelSpec& spec);
KernelResult prepare_copy(const KernelSpec& spec);
KernelResult prepare_div(const KernelSpec& spec);
KernelResult prepare_dropout(const KernelSpec& spec);
KernelResult prepare_elementwise(const KernelSpec& spec);
KernelResult prepare_embedding(const KernelSpec& spec);
KernelResult prepare_embedding_grad(const KernelSpec& spec);
KernelResult prepare_equal(const KernelSpec& spec);
KernelResult prepare_exp(const KernelSpec& spec);
KernelResult prepare_gelu(const KernelSpec& spec);
KernelResult prepare_gelu_grad(const KernelSpec& spec);
KernelResult prepare_hypot(const KernelSpec& spec);
KernelResult prepare_layer_norm(const KernelSpec& spec);
KernelResult prepare_layer_norm_grad(const KernelSpec& spec);
KernelResult prepare_layer_norm_scale_grad(const KernelSpec& spec);
KernelResult prepare_learning_rate(const KernelSpec& spec);
KernelResult prepare_log(const KernelSpec& spec);
KernelResult prepare_matmul(const KernelSpec& spec);
KernelResult prepare_matmul_sgd_update(const KernelSpec& spec);
Result<std::vector<std::string>> matmul_algorithms(const KernelSpec& spec);
Result<std::vector<std::string>> matmul_sgd_update_algorithms(const KernelSpec& spec);
KernelResult prepare_max(const KernelSpec& spec);
KernelResult prepare_mean(const KernelSpec& spec);
KernelResult prepare_momentum_update(const KernelSpec& spec);
KernelResult prepare_moving_average(const KernelSpec& spec);
KernelResult prepare_moving_average_of_squares(const KernelSpec& spec);
KernelResult prepare_mse(const KernelSpec& spec);
KernelResult prepare_mse_grad(const KernelSpec& spec);
KernelResult prepare_mul(const KernelSpec& spec);
KernelResult prepare_norm(const KernelSpec& spec);
KernelResult prepare_pad(const KernelSpec& spec);
KernelResult prepare_relu(const KernelSpec& spec);
KernelResult prepare_relu_grad(const KernelSpec& spec);
KernelResult prepare_rms_norm(const KernelSpec& spec);
KernelResult prepare_rms_norm_grad(const KernelSpec& spec);
KernelResult prepare_rms_norm_scale_grad(const KernelSpec& spec);
KernelResult prepare_scale(const KernelSpec& spec);
KernelResult prepare_sgd_update(const KernelSpec& spec);
KernelResult prepare_sigmoid(const KernelSpec& spec);
KernelResult prepare_sigmoid_grad(const KernelSpec& spec);
KernelResult prepare_slice(const KernelSpec& spec);
KernelResult prepare_softmax(const KernelSpec& spec);
KernelResult prepare_softmax_cross_entropy(const KernelSpec& spec);
KernelResult prepare_softmax_cross_entropy_grad(const KernelSpec& spec);
KernelResult prepare_softmax_grad(const KernelSpec& spec);
KernelResult prepare_sqrt(const KernelSpec& spec);
KernelResult prepare_sub(const KernelSpec& spec);
KernelResult prepare_sum(const KernelSpec& spec);
KernelResult prepare_sum_of_squares(const KernelSpec& spec);
KernelResult prepare_tanh(const KernelSpec& spec);
KernelResult prepare_tanh_grad(const KernelSpec& spec);
KernelResult prepare_transpose(const KernelSpec& spec);

/// The bytes of an operand or a result as elements.
template <class T>
const T* elements(const std::byte* bytes) {
  return reinterpret_cast<const T*>(bytes);
}
template <class T>
T* elements(std::byte* bytes) {
  return reinterpret_cast<T*>(bytes);
}

/// Whether all addresses are multiples of `alignment`.
template <class... Pointers>
bool are_aligned(size_t alignment, Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % alignment == 0) && ...);
}

}  // namespace graphrt::cuda
