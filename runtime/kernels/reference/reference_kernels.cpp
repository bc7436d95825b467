#include "runtime/kernels/reference/reference_kernels.h"

#include <algorithm>
#include <array>

#include "runtime/kernels/reference/loops.h"
#include "runtime/op/op_table.h"

namespace graphrt {
namespace {

struct Row {
  std::string_view op;
  reference::Loop loop;
};

constexpr std::array kLoops = {
#define GRAPHC_OPERATOR(name) Row{#name, reference::name},
#include "runtime/op/operators.def"
};

}  // namespace

Tensor evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                          const Attributes& attributes, const TensorType& result) {
  Tensor output = zeros(result);
  const OpInfo* info = find_op(op);
  CHECK(info != nullptr, "no operator " + std::string(op));
  if (info->is_composite()) {
    reference::composite(*info, inputs, attributes, output);
    return output;
  }
  const auto row = std::find_if(kLoops.begin(), kLoops.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  CHECK(row != kLoops.end(), "no reference kernel for " + std::string(op));
  row->loop(inputs, attributes, output);
  return output;
}

}  // namespace graphrt
