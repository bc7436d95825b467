#include "runtime/kernels/reference/loops.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/chain.h"

namespace graphrt::reference {

// The operators themselves, each rounding to f32: on f32, a chain gives what they give one by one. Of
// operands of 16 bits, it rounds its result alone to them.
void elementwise(Operands inputs, const Attributes& attributes, Results results) {
  if (results[0].type.element != ElementType::kF32) {
    std::vector<Tensor> wide;
    for (const Tensor* input : inputs) wide.push_back(as_type(*input, ElementType::kF32));
    std::vector<const Tensor*> operands;
    for (const Tensor& input : wide) operands.push_back(&input);
    Tensor wide_result = zeros({ElementType::kF32, results[0].type.shape});
    elementwise(operands, attributes, {&wide_result, 1});
    results[0] = as_type(wide_result, results[0].type.element);
    return;
  }
  const Chain chain = parse_chain(attributes.text("formula", "")).value();
  Tensor running;
  const Tensor* before = inputs[chain.start];
  for (const ChainStep& step : chain.steps) {
    std::vector<const Tensor*> operands = {before};
    if (step.input) operands.push_back(inputs[*step.input]);
    if (step.running_is_second) std::swap(operands[0], operands[1]);
    Attributes factor;
    if (step.function == ElementFunction::kScale) factor.set("factor", step.factor);
    running = evaluate_reference(to_string(step.function), operands, factor, results[0].type);
    before = &running;
  }
  results[0] = std::move(running);
}

}  // namespace graphrt::reference
