#pragma once

#include <CLI/CLI.hpp>

namespace tools {

/// Prints the help or version that was asked for, or what is wrong with the command line. Gives the
/// exit code: 0 or 2.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& error);

}  // namespace tools
