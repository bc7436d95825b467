#pragma once

#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/derived_nodes.h"

namespace graphc {

/// Scales all gradients by the same factor where their global norm, the root of the sum of all
/// squares, is above `max_norm`. Returns the clipped gradients, in the same order.
std::vector<ParameterGradient> add_clipping(DerivedNodes& nodes,
                                            const std::vector<ParameterGradient>& gradients,
                                            double max_norm, const SourceRange& where);

}  // namespace graphc
