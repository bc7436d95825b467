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
#define GRAPHC_OPERATOR(name) Row{#name, cpu::prepare_##name},
#include "runtime/op/operators.def"
};

const Row* find_row(std::string_view op) {
  const auto row = std::find_if(kKernels.begin(), kKernels.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  return row == kKernels.end() ? nullptr : &*row;
}

}  // namespace

bool has_cpu_kernel(std::string_view op) { return find_row(op) != nullptr; }

bool is_cpu_product(std::string_view op) {
  const OpInfo* info = find_op(op);
  return info != nullptr && (info->is_product() || info->multiplies_tiles);
}

Result<std::unique_ptr<const PreparedKernel>> prepare_cpu_kernel(
    std::string_view op, std::span<const TensorType> inputs, std::span<const TensorType> results,
    const Attributes& attributes) {
  const OpInfo* info = find_op(op);
  const Row* row = find_row(op);
  if (info == nullptr || row == nullptr) {
    return input_error("the CPU has no kernel for operator '" + std::string(op) + "'");
  }
  TRY(check_types(*info, inputs, results, attributes));
  return row->prepare({inputs, results, attributes});
}

}  // namespace graphrt
