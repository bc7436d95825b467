#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Largest result that is computed at compile time; what is larger would only move work from the
/// first step into the plan file.
inline constexpr int64_t kMaxFoldedBytes = int64_t{1} << 20;

/// What may be computed for all constants of a graph together, in operations and in bytes that are
/// read or written, an element of 4 bytes counting as 16 operations: a second of the reference
/// executor, which takes one core and no shortcuts. What needs more is computed in each step.
inline constexpr double kMaxFoldedWork = 1 << 28;

/// Replaces a node whose operands are all constants by the constant it computes.
///
/// The value comes from the reference executor, so it may differ from the one a device would
/// compute in the last bits. Nodes that the user kept or pinned to a device, that update a state or
/// that are outputs stay.
///
/// Runs before:      merge_equal_nodes, remove_dead_nodes - constants lose their last user here.
/// Ensures:          no such node is left but those whose result is too large or, in the order of
///                   the graph, too much work; interface (inputs, states, outputs) unchanged.
Result<Graph> fold_constants(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
