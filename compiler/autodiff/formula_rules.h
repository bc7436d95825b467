#pragma once

#include "compiler/autodiff/node_gradient.h"

namespace graphc {

// Gradients that are formulas: those of element_functions.def, as they stand there, and those of
// composite operators, by the chain rule along their own.

/// Requires: the node's operator is an element function with a gradient.
void gradient_of_element_function(NodeGradient& node);

/// From the operands, whatever lies between them and the result is computed again: of a formula,
/// nothing but its operands has to be kept from the forward pass.
/// Requires: the node's operator is composite.
void gradient_of_composite(NodeGradient& node);

}  // namespace graphc
