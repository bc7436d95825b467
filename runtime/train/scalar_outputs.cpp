#include "runtime/train/scalar_outputs.h"

#include <fmt/format.h>

#include <utility>

namespace graphrt {

std::vector<std::string> scalar_outputs(const Plan& plan) {
  std::vector<std::string> names;
  for (const PlanOutput& output : plan.outputs) {
    const bool is_scalar = plan.buffers[output.value.buffer].type.shape.empty();
    if (is_scalar && output.instruction) names.push_back(output.name);
  }
  return names;
}

std::string element_text(const Tensor& tensor, size_t index) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return fmt::format("{}", widened(tensor.as<T>()[index]));
  });
}

Result<std::vector<Tensor>> values_of(const Session& session,
                                      const std::vector<std::string>& outputs, StepRange steps) {
  std::vector<Tensor> values;
  for (const std::string& output : outputs) {
    TRY(Tensor stack, session.stacked(output, steps));
    values.push_back(std::move(stack));
  }
  return values;
}

}  // namespace graphrt
