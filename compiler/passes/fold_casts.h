#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"

namespace graphc {

/// Lets an operator that can choose the type of its result give what a cast behind it makes of it:
/// what is widened at once is not rounded before. Casts to a type and back, through one that holds
/// all numbers of it, go as well. What is put together and made narrower is made narrower before.
Result<Graph> fold_casts(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
