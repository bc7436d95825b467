#pragma once

#include <cstddef>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/safetensors.h"
#include "runtime/base/tensor.h"
#include "runtime/plan/plan.h"
#include "runtime/session/session.h"

namespace graphrt {

/// Whether a tensor can take the place of a state once its elements are cast: floats of another
/// type, in the same shape.
bool may_be_cast(const TensorType& from, const TensorType& to);

/// Why a state cannot be taken from a file, as a line for the user; empty if it can.
std::string state_misfit(const PlanState& state, const Safetensors& file, StateTypes types);

/// A state as the plan has it, rounded to the nearest, of two equally near to the even one, where
/// its elements are cast. Requires: no misfit.
/// Errors: a finite number beyond what the plan's type holds.
Result<Tensor> state_from(const PlanState& state, const Safetensors& file);

/// How many states are cast when they are taken from the file.
size_t num_cast_states(const Plan& plan, const Safetensors& file);

}  // namespace graphrt
