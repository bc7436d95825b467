#pragma once

#include <functional>
#include <optional>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/graph/training.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// How the names of a graph are found; a name that is not there is reported.
struct NameLookup {
  std::function<std::optional<ValueId>(const NameAt&)> value;
  std::function<std::optional<ValueId>(const NameAt&)> state;
};

/// What `train` asks for, with the defaults of its optimizer and schedule filled in.
/// Errors: names that are not there, an unknown optimizer or schedule, settings that these do not
///         take, that are missing or out of their range, a parameter listed twice: all in
///         `diagnostics`.
std::optional<Training> resolve_training(const TrainingDeclaration& declared,
                                         const NameLookup& names, DiagnosticSink& diagnostics);

}  // namespace graphc
