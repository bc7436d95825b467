#pragma once

#include <string>

#include "compiler/compile.h"

namespace graphc {

/// How well a plan over several hosts uses them: which part of a step the busiest device computes,
/// what is left beside that, and how busy the network is; if that is what a step takes, how many
/// times the work between two exchanges would hide it. Nothing for one host.
std::string hosts_line(const Compilation& compilation, const Machine& machine);

}  // namespace graphc
