#pragma once

#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/derived_nodes.h"

namespace graphc {

/// The norm of all gradients together: the root of the sum of all squares. Norms are made of norms:
/// their squares leave f32 from 1.9e19 on and below 1e-23.
ValueId add_global_norm(DerivedNodes& nodes, const std::vector<ParameterGradient>& gradients,
                        const SourceRange& where);

/// All gradients with the same factor, which is below 1 where their `norm` is above `max_norm`; in
/// the same order. Scaling is left to the updates, which read the gradients anyway.
std::vector<ParameterGradient> add_clipping(DerivedNodes& nodes,
                                            std::vector<ParameterGradient> gradients, ValueId norm,
                                            double max_norm, const SourceRange& where);

}  // namespace graphc
