#pragma once

#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/derived_nodes.h"

namespace graphc {

/// All gradients with the same factor, which is below 1 where their global norm, the root of the
/// sum of all squares, is above `max_norm`; in the same order. Norms are made of norms: their
/// squares leave f32 from 1.9e19 on and below 1e-23. Scaling is left to the updates,
/// which read the gradients anyway.
std::vector<ParameterGradient> add_clipping(DerivedNodes& nodes,
                                            std::vector<ParameterGradient> gradients,
                                            double max_norm, const SourceRange& where);

}  // namespace graphc
