#pragma once

#include <optional>
#include <string>

#include "compiler/graph/graph_declarations.h"
#include "compiler/graph/line_reader.h"
#include "compiler/graph/parallel.h"

namespace graphc {

/// The line of the text form that says how a step is spread over devices, one of
///
///   parallel auto
///   parallel batch gpu0, gpu1 update_on cpu
///   parallel batch gpu0 = 60, gpu1 = 40 update_on each
std::string print_parallel(const Parallel& parallel);

/// Reads what stands behind `parallel`, up to the end of the line; nothing if it is wrong
/// (reported).
std::optional<ParallelDeclaration> parse_parallel(LineReader& line, const SourceRange& where);

}  // namespace graphc
