#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Puts the element functions that composite operators stand for in their place. The last of them
/// takes the node's name, and what it updates; the others are called by it and their operator.
/// Cost: O(nodes).
Result<Graph> decompose(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
