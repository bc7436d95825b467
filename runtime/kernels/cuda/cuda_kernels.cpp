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
};

constexpr std::array kKernels = {
#define GRAPHC_OPERATOR(name) Row{#name, cuda::prepare_##name},
#include "runtime/op/operators.def"
};

/// Where a library has several ways to compute an operator.
struct Choice {
  std::string_view op;
  ListAlgorithms algorithms;
};

constexpr std::array kChoices = {
    Choice{"matmul", cuda::matmul_algorithms},
    Choice{"matmul_sgd_update", cuda::matmul_sgd_update_algorithms},
};

/// Null where there is no choice.
ListAlgorithms algorithms_of(std::string_view op) {
  const auto choice = std::find_if(kChoices.begin(), kChoices.end(),
                                   [&](const Choice& candidate) { return candidate.op == op; });
  return choice == kChoices.end() ? nullptr : choice->algorithms;
}

const Row* find_row(std::string_view op) {
  const auto row = std::find_if(kKernels.begin(), kKernels.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  return row == kKernels.end() ? nullptr : &*row;
}

std::optional<TensorType> find_too_large(std::span<const TensorType> inputs,
                                         std::span<const TensorType> results) {
  for (const std::span<const TensorType> types : {inputs, results}) {
    for (const TensorType& type : types) {
      if (type.num_elements() > cuda::kMaxElements) return type;
    }
  }
  return std::nullopt;
}

/// Requires: `op` has a row and takes these operands.
int64_t scratch_of(std::string_view op, const cuda::KernelSpec& spec) {
  constexpr bool kIsOnHost = false;
  return scratch_bytes(*find_op(op), kIsOnHost, spec.inputs, spec.results, spec.attributes);
}

/// The row of an operator that these operands fit.
Result<const Row*> row_for(std::string_view op, const cuda::KernelSpec& spec) {
  const OpInfo* info = find_op(op);
  const Row* row = find_row(op);
  if (info == nullptr || row == nullptr) {
    return input_error("CUDA has no kernel for operator '" + std::string(op) + "'");
  }
  TRY(check_types(*info, spec.inputs, spec.results, spec.attributes));
  if (const auto too_large = find_too_large(spec.inputs, spec.results)) {
    return input_error(std::string(op) + " on CUDA takes tensors of at most " +
                       std::to_string(cuda::kMaxElements) + " elements; got " +
                       to_string(*too_large));
  }
  return row;
}

}  // namespace

bool has_cuda_kernel(std::string_view op) { return find_row(op) != nullptr; }

Result<std::unique_ptr<const CudaKernel>> prepare_cuda_kernel(
    std::string_view op, std::span<const TensorType> inputs, std::span<const TensorType> results,
    const Attributes& attributes, cublasLtHandle_t blas, std::string_view algorithm) {
  cuda::KernelSpec spec{inputs, results, attributes, blas, 0, algorithm};
  TRY(const Row* row, row_for(op, spec));
  if (!algorithm.empty() && algorithms_of(op) == nullptr) {
    return input_error(std::string(op) + " on CUDA has no choice of algorithms; got '" +
                       std::string(algorithm) + "'");
  }
  spec.scratch_bytes = scratch_of(op, spec);
  return row->prepare(spec);
}

Result<std::vector<std::string>> cuda_kernel_algorithms(std::string_view op,
                                                        std::span<const TensorType> inputs,
                                                        std::span<const TensorType> results,
                                                        const Attributes& attributes,
                                                        cublasLtHandle_t blas) {
  cuda::KernelSpec spec{inputs, results, attributes, blas};
  TRY(const Row* row, row_for(op, spec));
  spec.scratch_bytes = scratch_of(op, spec);
  const ListAlgorithms algorithms = algorithms_of(row->op);
  return algorithms == nullptr ? std::vector<std::string>() : algorithms(spec);
}

}  // namespace graphrt
