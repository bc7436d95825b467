#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Removes nodes that reach no output, no update and no kept node, and constants that nothing
/// reads. Inputs and states stay: they are the graph's interface.
///
/// Runs after:  all passes that leave dead nodes for this one.
/// Runs before: fuse_epilogues, fuse_updates - a dead reader would keep a product apart.
/// Ensures:     every node left is needed; no number changes.
Result<Graph> remove_dead_nodes(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
