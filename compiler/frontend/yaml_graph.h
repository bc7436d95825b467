#pragma once

#include <memory>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What a YAML graph file declares, names not yet resolved. A declaration with an error is still
/// there, without the part that is wrong, so that its users are not blamed too.
/// Errors: only those after which nothing can be read (syntax); all others are in `diagnostics`.
Result<GraphDeclarations> read_yaml_graph(std::shared_ptr<const SourceFile> file,
                                          DiagnosticSink& diagnostics);

}  // namespace graphc
