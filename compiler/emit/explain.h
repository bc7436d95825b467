#pragma once

#include <optional>
#include <string>

#include "compiler/compile.h"
#include "compiler/emit/detail.h"

namespace graphc {

/// Why every node is where it is, and when: the device and what else was tried, the lane, the rule
/// that put it at its place, and what it waits for. With `node`, for that one only. In short, and
/// beyond 40 lines: how many tasks are where and why, with their names folded.
/// Errors: no such node (with the nearest name).
Result<std::string> explain(const Compilation& compilation, const Machine& machine,
                            const std::optional<std::string>& node, Detail detail);

}  // namespace graphc
