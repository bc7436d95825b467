#pragma once

#include <string>

/// All operators as a table in Markdown, as docs/graph-format.md has it: functions of elements, then
/// formulas of those, then all others.
std::string operator_table();
