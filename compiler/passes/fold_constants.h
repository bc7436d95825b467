#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Largest result that is computed at compile time; what is larger would only move work from the
/// first step into the plan file.
inline constexpr int64_t kMaxFoldedBytes = int64_t{1} << 20;

/// Replaces a node whose operands are all constants by the constant it computes.
///
/// The value comes from the reference executor, so it may differ from the one a device would
/// compute in the last bits. Nodes that the user kept or pinned to a device, that update a state or
/// that are outputs stay.
///
/// Runs after:       infer_types - sizes decide.
/// Runs before:      merge_equal_nodes, remove_dead_nodes - constants lose their last user here.
/// Ensures:          no such node is left; interface (inputs, states, outputs) unchanged.
Result<Graph> fold_constants(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
