#include "runtime/kernels/cuda/cuda_kernels.h"

#include <algorithm>
#include <array>
#include <optional>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

using ListAlgorithms = Result<std::vector<std::string>> (*)(const cuda::KernelSpec& spec);

struct Row {
  std::string_view op;
  cuda::Prepare prepare;
  ListAlgorithms algorithms = nullptr;  ///< absent: there is no choice
};

constexpr std::array kKernels = {
    Row{"accuracy", cuda::prepare_accuracy},
    Row{"adam_update", cuda::prepare_adam_update},
    Row{"add", cuda::prepare_add},
    Row{"argmax", cuda::prepare_argmax},
    Row{"binary_cross_entropy", cuda::prepare_binary_cross_entropy},
    Row{"binary_cross_entropy_grad", cuda::prepare_binary_cross_entropy_grad},
    Row{"broadcast", cuda::prepare_broadcast},
    Row{"clip_factor", cuda::prepare_clip_factor},
    Row{"concat", cuda::prepare_concat},
    Row{"copy", cuda::prepare_copy},
    Row{"div", cuda::prepare_div},
    Row{"dropout", cuda::prepare_dropout},
    Row{"elementwise", cuda::prepare_elementwise},
    Row{"embedding", cuda::prepare_embedding},
    Row{"embedding_grad", cuda::prepare_embedding_grad},
    Row{"equal", cuda::prepare_equal},
    Row{"exp", cuda::prepare_exp},
    Row{"gelu", cuda::prepare_gelu},
    Row{"gelu_grad", cuda::prepare_gelu_grad},
    Row{"hypot", cuda::prepare_hypot},
    Row{"layer_norm", cuda::prepare_layer_norm},
    Row{"layer_norm_grad", cuda::prepare_layer_norm_grad},
    Row{"layer_norm_scale_grad", cuda::prepare_layer_norm_scale_grad},
    Row{"learning_rate", cuda::prepare_learning_rate},
    Row{"log", cuda::prepare_log},
    Row{"matmul", cuda::prepare_matmul, cuda::matmul_algorithms},
    Row{"matmul_sgd_update", cuda::prepare_matmul_sgd_update, cuda::matmul_sgd_update_algorithms},
    Row{"max", cuda::prepare_max},
    Row{"mean", cuda::prepare_mean},
    Row{"momentum_update", cuda::prepare_momentum_update},
    Row{"moving_average", cuda::prepare_moving_average},
    Row{"moving_average_of_squares", cuda::prepare_moving_average_of_squares},
    Row{"mse", cuda::prepare_mse},
    Row{"mse_grad", cuda::prepare_mse_grad},
    Row{"mul", cuda::prepare_mul},
    Row{"norm", cuda::prepare_norm},
    Row{"pad", cuda::prepare_pad},
    Row{"relu", cuda::prepare_relu},
    Row{"relu_grad", cuda::prepare_relu_grad},
    Row{"reshape", cuda::prepare_copy},
    Row{"rms_norm", cuda::prepare_rms_norm},
    Row{"rms_norm_grad", cuda::prepare_rms_norm_grad},
    Row{"rms_norm_scale_grad", cuda::prepare_rms_norm_scale_grad},
    Row{"scale", cuda::prepare_scale},
    Row{"sgd_update", cuda::prepare_sgd_update},
    Row{"sigmoid", cuda::prepare_sigmoid},
    Row{"sigmoid_grad", cuda::prepare_sigmoid_grad},
    Row{"slice", cuda::prepare_slice},
    Row{"softmax", cuda::prepare_softmax},
    Row{"softmax_cross_entropy", cuda::prepare_softmax_cross_entropy},
    Row{"softmax_cross_entropy_grad", cuda::prepare_softmax_cross_entropy_grad},
    Row{"softmax_grad", cuda::prepare_softmax_grad},
    Row{"sqrt", cuda::prepare_sqrt},
    Row{"sub", cuda::prepare_sub},
    Row{"sum", cuda::prepare_sum},
    Row{"sum_of_squares", cuda::prepare_sum_of_squares},
    Row{"tanh", cuda::prepare_tanh},
    Row{"tanh_grad", cuda::prepare_tanh_grad},
    Row{"transpose", cuda::prepare_transpose},
};

const Row* find_row(std::string_view op) {
  const auto row = std::find_if(kKernels.begin(), kKernels.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  return row == kKernels.end() ? nullptr : &*row;
}

std::optional<TensorType> find_too_large(std::span<const TensorType> inputs,
                                         const TensorType& result) {
  const auto is_too_large = [](const TensorType& type) {
    return type.num_elements() > cuda::kMaxElements;
  };
  const auto input = std::find_if(inputs.begin(), inputs.end(), is_too_large);
  if (input != inputs.end()) return *input;
  return is_too_large(result) ? std::optional(result) : std::nullopt;
}

/// The row of an operator that these operands fit.
Result<const Row*> row_for(std::string_view op, const cuda::KernelSpec& spec) {
  const OpInfo* info = find_op(op);
  const Row* row = find_row(op);
  if (info == nullptr || row == nullptr) {
    return input_error("CUDA has no kernel for operator '" + std::string(op) + "'");
  }
  const auto type = infer_type(*info, spec.inputs, spec.attributes);
  if (!type) return input_error(type.error().message);
  if (*type != spec.result) {
    return input_error(std::string(op) + " gives " + to_string(*type) + "; the result has " +
                       to_string(spec.result));
  }
  if (const auto too_large = find_too_large(spec.inputs, spec.result)) {
    return input_error(std::string(op) + " on CUDA takes tensors of at most " +
                       std::to_string(cuda::kMaxElements) + " elements; got " +
                       to_string(*too_large));
  }
  return row;
}

}  // namespace

bool has_cuda_kernel(std::string_view op) { return find_row(op) != nullptr; }

Result<std::unique_ptr<const CudaKernel>> prepare_cuda_kernel(
    std::string_view op, std::span<const TensorType> inputs, const TensorType& result,
    const Attributes& attributes, cublasLtHandle_t blas, std::string_view algorithm) {
  const cuda::KernelSpec spec{inputs, result, attributes, blas, algorithm};
  TRY(const Row* row, row_for(op, spec));
  if (!algorithm.empty() && row->algorithms == nullptr) {
    return input_error(std::string(op) + " on CUDA has no choice of algorithms; got '" +
                       std::string(algorithm) + "'");
  }
  return row->prepare(spec);
}

Result<std::vector<std::string>> cuda_kernel_algorithms(std::string_view op,
                                                        std::span<const TensorType> inputs,
                                                        const TensorType& result,
                                                        const Attributes& attributes,
                                                        cublasLtHandle_t blas) {
  const cuda::KernelSpec spec{inputs, result, attributes, blas};
  TRY(const Row* row, row_for(op, spec));
  if (row->algorithms == nullptr) return std::vector<std::string>();
  return row->algorithms(spec);
}

}  // namespace graphrt
