#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/session/session.h"

namespace graphrt {

/// The outputs of a plan that deliver one number, of shape [], to the host in every step, in the
/// plan's order.
std::vector<std::string> scalar_outputs(const Plan& plan);

/// The shortest text that reads back as the same element. Same bits, same text.
std::string element_text(const Tensor& tensor, size_t index);

/// The values of some steps, a tensor of shape [steps.count] for each of these scalar outputs.
/// Errors: no such output; values that were not kept, see Session::stack_output().
Result<std::vector<Tensor>> values_of(const Session& session,
                                      const std::vector<std::string>& outputs, StepRange steps);

}  // namespace graphrt
