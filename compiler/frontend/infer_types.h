#pragma once

#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

using ValueTypes = IdVector<ValueId, std::optional<TensorType>>;

/// The type of every value of a graph, whose own types are not looked at. `declared` says those of
/// inputs, states and constants, and those that are written at nodes. A value whose type cannot be
/// known because of an error has none, and what depends on it is not blamed.
/// Errors: operands that do not fit their operator (at the operand, with notes where the operands
///         come from), a written type that differs from the inferred one, an update whose type is
///         not its state's: all in `diagnostics`.
ValueTypes infer_types(const Graph& graph, const ValueTypes& declared, DiagnosticSink& diagnostics);

}  // namespace graphc
