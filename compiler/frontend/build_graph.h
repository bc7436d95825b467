#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/graph/graph_request.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Resolves names, finds operators, sorts nodes topologically and infers types; among nodes that are
/// ready, file order decides. Every file format comes through here.
///
/// Ensures: verify_request passes.
/// Errors:  all independent ones at once, in `diagnostics` (those that are already there make it
///          fail too): names that are no identifiers, undefined or defined twice, unknown operators
///          and attributes, wrong numbers of operands, attributes missing or of the wrong kind,
///          cycles, a state updated twice, `updates` of what is no state, `same_as` without a
///          state or of another type, nothing to compute, and what resolve_training and
///          infer_types say.
Result<GraphRequest> build_graph(GraphDeclarations declarations, DiagnosticSink& diagnostics);

}  // namespace graphc
