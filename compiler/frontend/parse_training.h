#pragma once

#include <optional>

#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/line_reader.h"

namespace graphc {

/// Reads what print_training writes behind `train`, up to the end of the line; nothing if it is
/// wrong (reported).
std::optional<TrainingDeclaration> parse_training(LineReader& line, const SourceRange& where);

}  // namespace graphc
