#pragma once

#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/derived_nodes.h"
#include "compiler/graph/training.h"

namespace graphc {

/// Adds what turns gradients into the parameters' next values, with the states that needs: of a
/// parameter w, `w.momentum` or the moments `w.m` and `w.v`, which start at zero; the step number
/// `train.step`, if a formula asks for it. New values are named as the states with `.new` behind.
///
/// An update is pinned where its gradient is. A constant learning rate is an attribute, so that it
/// may become part of a product; one that changes is the node `train.rate`.
///
/// With a loss scale, a step is skipped where the factor of the gradients is NaN: states stay as
/// they are, the step number, too.
void add_updates(DerivedNodes& nodes, const std::vector<ParameterGradient>& gradients,
                 const Training& training);

}  // namespace graphc
