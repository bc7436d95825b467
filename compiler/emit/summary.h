#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/emit/detail.h"

namespace graphc {

/// What a user sees after compiling: tasks, predicted time per step with its lower bound, what was
/// compared, how busy each lane is, and the memory of every device to the byte.
std::string summary(const Compilation& compilation, const Machine& machine, Detail detail);

}  // namespace graphc
