#pragma once

#include <string>

#include "compiler/graph/parallel.h"

namespace graphc {

/// The line of the text form that says how a step is spread over devices, one of
///
///   parallel auto
///   parallel batch gpu0, gpu1 update_on cpu
///   parallel batch gpu0 = 60, gpu1 = 40 update_on each
std::string print_parallel(const Parallel& parallel);

}  // namespace graphc
