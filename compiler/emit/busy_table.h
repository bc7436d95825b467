#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/emit/detail.h"

namespace graphc {

double percent_of(int64_t part, int64_t whole);

/// Which part of an interval every lane works. In short, only the fullest of those that have tasks,
/// and how many others there are.
std::string busy_table(const Compilation& compilation, Detail detail);

}  // namespace graphc
