#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/engine/session.h"

namespace graphrun {

/// The outputs of a plan that deliver one number a step, in the plan's order.
std::vector<std::string> scalar_outputs(const graphrt::Plan& plan);

/// The shortest text that reads back as the same element. Same bits, same text.
std::string element_text(const graphrt::Tensor& tensor, size_t index);

/// The values of some steps, a tensor an output. Requires: they are stacked.
graphrt::Result<std::vector<graphrt::Tensor>> values_of(const graphrt::Session& session,
                                                        const std::vector<std::string>& outputs,
                                                        graphrt::StepRange steps);

}  // namespace graphrun
