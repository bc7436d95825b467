#pragma once

#include <string_view>

namespace tools {

/// The whole of a program between the system and its own work, `body`, which gets the command line
/// and gives the exit code. What `body` or a thread throws, memory that is out among it, is an
/// error of the machine: a message, and exit code 3. Descriptors 0 to 2 are open before anything
/// else is; what cannot be written is an error value and no signal; and a report that does not
/// arrive is an error at the end: exit code 3, if that of `body` is less; without a word 141 where
/// its reader has gone, if that of `body` is 0.
int run_program(std::string_view name, int argc, char** argv, int (*body)(int, char**));

/// `name: message` on standard error.
void print_error(std::string_view name, std::string_view message);

}  // namespace tools
