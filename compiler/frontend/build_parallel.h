#pragma once

#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/graph/parallel.h"

namespace graphc {

/// What `parallel` asks for beside pinning layers; nothing if that is all.
/// Errors: no device, a device listed twice, rows for some devices only, a number of rows below 1,
///         `update_on` without a batch: all in `diagnostics`, and nothing is the answer.
std::optional<Parallel> resolve_parallel(const ParallelDeclaration& declared,
                                         DiagnosticSink& diagnostics);

}  // namespace graphc
