#pragma once

#include <optional>

#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/line_reader.h"

namespace graphc {

/// Reads what print_parallel writes behind `parallel`, up to the end of the line; nothing if it is
/// wrong (reported).
std::optional<ParallelDeclaration> parse_parallel(LineReader& line, const SourceRange& where);

}  // namespace graphc
