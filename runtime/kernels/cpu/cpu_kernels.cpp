#include "runtime/kernels/cpu/cpu_kernels.h"

#include <algorithm>
#include <array>

#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

struct Row {
  std::string_view op;
  cpu::Prepare prepare;
};

constexpr std::array kKernels = {
    Row{"accuracy", cpu::prepare_accuracy},
    Row{"adam_update", cpu::prepare_adam_update},
    Row{"add", cpu::prepare_add},
    Row{"argmax", cpu::prepare_argmax},
    Row{"binary_cross_entropy", cpu::prepare_binary_cross_entropy},
    Row{"binary_cross_entropy_grad", cpu::prepare_binary_cross_entropy_grad},
    Row{"broadcast", cpu::prepare_broadcast},
    Row{"clip_factor", cpu::prepare_clip_factor},
    Row{"concat", cpu::prepare_concat},
    Row{"copy", cpu::prepare_copy},
    Row{"div", cpu::prepare_div},
    Row{"dropout", cpu::prepare_dropout},
    Row{"elementwise", cpu::prepare_elementwise},
    Row{"embedding", cpu::prepare_embedding},
    Row{"embedding_grad", cpu::prepare_embedding_grad},
    Row{"equal", cpu::prepare_equal},
    Row{"exp", cpu::prepare_exp},
    Row{"gelu", cpu::prepare_gelu},
    Row{"gelu_grad", cpu::prepare_gelu_grad},
    Row{"hypot", cpu::prepare_hypot},
    Row{"layer_norm", cpu::prepare_layer_norm},
    Row{"layer_norm_grad", cpu::prepare_layer_norm_grad},
    Row{"layer_norm_scale_grad", cpu::prepare_layer_norm_scale_grad},
    Row{"learning_rate", cpu::prepare_learning_rate},
    Row{"log", cpu::prepare_log},
    Row{"matmul", cpu::prepare_matmul},
    Row{"matmul_sgd_update", cpu::prepare_matmul_sgd_update},
    Row{"max", cpu::prepare_max},
    Row{"mean", cpu::prepare_mean},
    Row{"momentum_update", cpu::prepare_momentum_update},
    Row{"moving_average", cpu::prepare_moving_average},
    Row{"moving_average_of_squares", cpu::prepare_moving_average_of_squares},
    Row{"mse", cpu::prepare_mse},
    Row{"mse_grad", cpu::prepare_mse_grad},
    Row{"mul", cpu::prepare_mul},
    Row{"norm", cpu::prepare_norm},
    Row{"pad", cpu::prepare_pad},
    Row{"relu", cpu::prepare_relu},
    Row{"relu_grad", cpu::prepare_relu_grad},
    Row{"reshape", cpu::prepare_copy},
    Row{"rms_norm", cpu::prepare_rms_norm},
    Row{"rms_norm_grad", cpu::prepare_rms_norm_grad},
    Row{"rms_norm_scale_grad", cpu::prepare_rms_norm_scale_grad},
    Row{"scale", cpu::prepare_scale},
    Row{"sgd_update", cpu::prepare_sgd_update},
    Row{"sigmoid", cpu::prepare_sigmoid},
    Row{"sigmoid_grad", cpu::prepare_sigmoid_grad},
    Row{"slice", cpu::prepare_slice},
    Row{"softmax", cpu::prepare_softmax},
    Row{"softmax_cross_entropy", cpu::prepare_softmax_cross_entropy},
    Row{"softmax_cross_entropy_grad", cpu::prepare_softmax_cross_entropy_grad},
    Row{"softmax_grad", cpu::prepare_softmax_grad},
    Row{"sqrt", cpu::prepare_sqrt},
    Row{"sub", cpu::prepare_sub},
    Row{"sum", cpu::prepare_sum},
    Row{"sum_of_squares", cpu::prepare_sum_of_squares},
    Row{"tanh", cpu::prepare_tanh},
    Row{"tanh_grad", cpu::prepare_tanh_grad},
    Row{"transpose", cpu::prepare_transpose},
};

const Row* find_row(std::string_view op) {
  const auto row = std::find_if(kKernels.begin(), kKernels.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  return row == kKernels.end() ? nullptr : &*row;
}

}  // namespace

bool has_cpu_kernel(std::string_view op) { return find_row(op) != nullptr; }

bool is_cpu_product(std::string_view op) {
  const Row* row = find_row(op);
  return row != nullptr &&
         (row->prepare == cpu::prepare_matmul || row->prepare == cpu::prepare_matmul_sgd_update);
}

Result<std::unique_ptr<const PreparedKernel>> prepare_cpu_kernel(std::string_view op,
                                                                 std::span<const TensorType> inputs,
                                                                 const TensorType& result,
                                                                 const Attributes& attributes) {
  const OpInfo* info = find_op(op);
  const Row* row = find_row(op);
  if (info == nullptr || row == nullptr) {
    return input_error("the CPU has no kernel for operator '" + std::string(op) + "'");
  }
  const auto type = infer_type(*info, inputs, attributes);
  if (!type) return input_error(type.error().message);
  if (*type != result) {
    return input_error(std::string(op) + " gives " + to_string(*type) + "; the result has " +
                       to_string(result));
  }
  return row->prepare({inputs, result, attributes});
}

}  // namespace graphrt
