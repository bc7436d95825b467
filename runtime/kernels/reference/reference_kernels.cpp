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

std::vector<Tensor> evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                                       const Attributes& attributes,
                                       std::span<const TensorType> results) {
  std::vector<Tensor> outputs;
  for (const TensorType& type : results) outputs.push_back(zeros(type));
  const OpInfo* info = find_op(op);
  CHECK(info != nullptr, "no operator " + std::string(op));
  if (info->is_composite()) {
    reference::composite(*info, inputs, attributes, outputs[0]);
    return outputs;
  }
  const auto row = std::find_if(kLoops.begin(), kLoops.end(),
                                [&](const Row& candidate) { return candidate.op == op; });
  CHECK(row != kLoops.end(), "no reference kernel for " + std::string(op));
  row->loop(inputs, attributes, outputs);
  return outputs;
}

Tensor evaluate_reference(std::string_view op, std::span<const Tensor* const> inputs,
                          const Attributes& attributes, const TensorType& result) {
  return std::move(evaluate_reference(op, inputs, attributes, {&result, 1}).front());
}

}  // namespace graphrt
