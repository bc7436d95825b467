#pragma once

#include <optional>
#include <vector>

#include "compiler/autodiff/derived_nodes.h"
#include "compiler/autodiff/node_gradient.h"
#include "compiler/autodiff/trained_parameters.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// A state that is trained, and the gradient of the loss by it.
struct ParameterGradient {
  ValueId parameter;
  ValueId gradient;
  std::optional<ValueId> factor = std::nullopt;  ///< f32[]: what updates multiply it with
};

/// Of what works on one gradient: the place of the parameter, the device of the gradient.
Origin origin_of(const DerivedNodes& nodes, const ParameterGradient& each);

/// Adds the nodes that compute the gradient of `loss` by every parameter: reverse mode, one walk
/// from the loss, whose gradient is `by_itself`, to the parameters.
///
/// The gradient of a value is named `grad.VALUE`; where several nodes read the value, what comes
/// through READER is `grad.VALUE.READER` and their sum has the name; other nodes of the rule of
/// NODE are `grad.NODE.OPERATOR`. A derived node has the place and the device of the node it
/// belongs to; a sum is pinned if all its parts are pinned to the same device.
///
/// Ensures: the gradients in the order of the parameters, each of its parameter's type; nothing is
///          computed that they do not need.
std::vector<ParameterGradient> add_backward_pass(DerivedNodes& nodes, ValueId loss,
                                                 const Gradient& by_itself,
                                                 const TrainingPaths& paths);

}  // namespace graphc
