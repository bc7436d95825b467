#include "tools/graphrun/scalar_outputs.h"

#include <fmt/format.h>

#include <utility>

namespace graphrun {

std::vector<std::string> scalar_outputs(const graphrt::Plan& plan) {
  std::vector<std::string> names;
  for (const graphrt::PlanOutput& output : plan.outputs) {
    const bool is_scalar = plan.buffers[output.value.buffer].type.shape.empty();
    if (is_scalar && output.instruction) names.push_back(output.name);
  }
  return names;
}

std::string element_text(const graphrt::Tensor& tensor, size_t index) {
  return tensor.type.element == graphrt::ElementType::kF32
             ? fmt::format("{}", tensor.as<float>()[index])
             : fmt::format("{}", tensor.as<int32_t>()[index]);
}

graphrt::Result<std::vector<graphrt::Tensor>> values_of(const graphrt::Session& session,
                                                        const std::vector<std::string>& outputs,
                                                        graphrt::StepRange steps) {
  std::vector<graphrt::Tensor> values;
  for (const std::string& output : outputs) {
    TRY(graphrt::Tensor stack, session.stacked(output, steps));
    values.push_back(std::move(stack));
  }
  return values;
}

}  // namespace graphrun
