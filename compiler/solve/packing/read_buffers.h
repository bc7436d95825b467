#pragma once

#include <string_view>

#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

/// Buffers as MiniMalloc writes them: lines `id,lower,upper,size` after a line of headings, in any
/// order of columns; alive in [lower, upper). Other columns are skipped.
/// Errors: no such headings; a line that is not of that form (names it); sizes that are negative or
///         too large to be added.
/// Source: github.com/google/minimalloc, README.
Result<IntervalProblem> parse_buffers(std::string_view text);

}  // namespace graphc
