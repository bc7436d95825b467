#pragma once

#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// The type that results may be stored as: f32, bf16 or f16. Anything else is reported.
std::optional<ElementType> resolve_precision(const NameAt& name, DiagnosticSink& diagnostics);

}  // namespace graphc
