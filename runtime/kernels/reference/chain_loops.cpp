#include "runtime/kernels/reference/loops.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/op/chain.h"

namespace graphrt::reference {

// The operators themselves, each rounding to f32: a chain gives what they give one by one.
void elementwise(Operands inputs, const Attributes& attributes, Tensor& result) {
  const Chain chain = parse_chain(attributes.text("formula", "")).value();
  Tensor running;
  const Tensor* before = inputs[chain.start];
  for (const ChainStep& step : chain.steps) {
    std::vector<const Tensor*> operands = {before};
    if (step.input) operands.push_back(inputs[*step.input]);
    if (step.running_is_second) std::swap(operands[0], operands[1]);
    Attributes factor;
    if (step.function == ElementFunction::kScale) factor.set("factor", step.factor);
    running = evaluate_reference(to_string(step.function), operands, factor, result.type);
    before = &running;
  }
  result = std::move(running);
}

}  // namespace graphrt::reference
