#pragma once

#include <string_view>

namespace graphrt {

/// Ends the process: a bug of ours was found, and going on could corrupt a result.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message);

}  // namespace graphrt

/// Aborts with file:line and `message` when an invariant of our own code does not hold.
/// Never for input: what a user can reach is a Diagnostic or an Error.
#define CHECK(condition, message)                                         \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::graphrt::check_failed(__FILE__, __LINE__, #condition, (message)); \
  } while (false)
