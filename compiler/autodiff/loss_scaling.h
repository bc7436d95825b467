#pragma once

#include <optional>
#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/derived_nodes.h"
#include "compiler/graph/training.h"

namespace graphc {

/// The state `train.loss_scale`: what the loss is multiplied with, and so the gradient of it by
/// itself.
ValueId add_loss_scale(DerivedNodes& nodes, const LossScale& scale, const SourceRange& where);

/// Gradients of a scaled loss with what their updates multiply them with, `train.unscale`: one over
/// `scale`, and less where their norm would be above `max_norm`; NaN where that norm is not finite.
/// Then updates skip the step. `norm` is that of all gradients together, as they are.
///
/// Makes the next scale, too, by `rule` and by how many steps in a row went well or did not, which
/// is the state `train.streak`.
std::vector<ParameterGradient> add_unscaling(DerivedNodes& nodes,
                                             std::vector<ParameterGradient> gradients, ValueId norm,
                                             ValueId scale, const Training& training);

}  // namespace graphc
