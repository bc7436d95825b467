#pragma once

#include "compiler/autodiff/derived_nodes.h"
#include "compiler/graph/training.h"

namespace graphc {

/// Adds the state `train.step`, which counts the steps from 0.
ValueId add_step_number(DerivedNodes& nodes, std::optional<ValueId> skip_factor,
                        const SourceRange& where);

/// Adds the node `train.rate`, f32[]: the learning rate of the step.
ValueId add_learning_rate(DerivedNodes& nodes, const LearningRate& rate, ValueId step,
                          const SourceRange& where);

}  // namespace graphc
