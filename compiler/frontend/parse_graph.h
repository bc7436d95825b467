#pragma once

#include <memory>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/graph/graph_request.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Reads the text form (print_graph.h); `#` starts a comment, and types of nodes may be left out.
/// parse_graph(print_request(r)) prints as print_request(r). Opens no other file.
/// Errors: syntax and all that build_graph finds, with their places, in `diagnostics`.
Result<GraphRequest> parse_graph(std::shared_ptr<const SourceFile> file,
                                 DiagnosticSink& diagnostics);

/// The first half of parse_graph: what the text declares, names not resolved.
/// Errors: syntax, one a line; names are not looked at then, since some may be missing only for it.
Result<GraphDeclarations> parse_graph_declarations(std::shared_ptr<const SourceFile> file,
                                                   DiagnosticSink& diagnostics);

}  // namespace graphc
