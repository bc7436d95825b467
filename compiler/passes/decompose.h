#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph_request.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Puts the element functions that composite operators stand for in their place. The last of them
/// takes the node's name, and what it updates; the others are called by it and their operator.
/// Cost: O(nodes).
Result<Graph> decompose(Graph graph, DiagnosticSink& diagnostics);
/// The same. If a batch is to be divided, means over the labels that count become a sum, called by
/// the node and `total`, over their number: both add up over the parts of a batch.
Result<GraphRequest> decompose_for_parts(GraphRequest request, DiagnosticSink& diagnostics);

}  // namespace graphc
