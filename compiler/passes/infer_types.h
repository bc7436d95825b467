#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Gives every value its static type.
///
/// Runs after:  load_graph - names are resolved and operators known.
/// Runs before: every other pass and placement - all of them ask for types and sizes.
/// Ensures:     every value has a type, the one that the operator table gives.
/// Errors:      operands that do not fit their operator, an update whose type is not its state's;
///              all independent ones at once.
Result<Graph> infer_types(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
