#include <vector>

#include "runtime/kernels/reference/loops.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/composite.h"

namespace graphrt::reference {
namespace {

Tensor call(const ExpressionStep& step, std::span<const Tensor> values) {
  std::vector<const Tensor*> operands;
  std::vector<TensorType> types;
  for (const size_t operand : operands_of(step)) {
    operands.push_back(&values[operand]);
    types.push_back(values[operand].type);
  }
  const Attributes attributes = attributes_of(step);
  const std::string_view name = to_string(step.function);
  const TensorType type = infer_type(*find_op(name), types, attributes).value();
  return evaluate_reference(name, operands, attributes, type);
}

}  // namespace

void composite(const OpInfo& op, Operands inputs, const Attributes& attributes, Tensor& result) {
  std::vector<Tensor> values;
  for (const ExpressionStep& step : expression_of(op, attributes).steps) {
    switch (step.kind) {
      case ExpressionStep::Kind::kVariable:
        values.push_back(*inputs[step.variable]);
        break;
      case ExpressionStep::Kind::kNumber:
        values.push_back(as_type(tensor_of<float>({}, {static_cast<float>(step.number)}),
                                 inputs[0]->type.element));
        break;
      case ExpressionStep::Kind::kCall:
        values.push_back(call(step, values));
    }
  }
  result = std::move(values.back());
}

}  // namespace graphrt::reference
