#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Computes equal things once: nodes with the same operator, attributes, operands and device become
/// one. The names of outputs and of updates survive; two nodes that are both outputs or updates
/// stay two, and so does every node that the user kept.
///
/// Runs after:       fold_transposes, fold_constants - they make nodes equal.
/// Runs before:      remove_dead_nodes; fuse_epilogues - equal products would be joined apart.
/// Ensures:          running it again changes nothing; no number changes.
Result<Graph> merge_equal_nodes(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
