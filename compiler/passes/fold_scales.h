#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Lets products read what a `scale` reads, and multiply with its factor themselves: their `alpha`.
/// A scale that nothing else reads is then dead.
/// Runs after:  fold_transposes - a scale may stand before a transpose.
/// Runs before: remove_dead_nodes.
/// Cost: O(nodes).
Result<Graph> fold_scales(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
