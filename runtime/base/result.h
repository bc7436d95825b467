#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace graphrt {

/// Who has to act on an error.
enum class ErrorKind {
  kInput,     ///< what the user gave: a graph, a plan, an array (exit 1)
  kUsage,     ///< how a tool was called (exit 2)
  kMachine,   ///< the machine the program runs on (exit 3)
  kMismatch,  ///< a result that differs from the reference, or is no finite number (exit 4)
};

/// One failure, as a text a user can act on. Context is added on the way up, in front.
struct Error {
  ErrorKind kind = ErrorKind::kInput;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

inline tl::unexpected<Error> input_error(std::string message) {
  return tl::unexpected(Error{ErrorKind::kInput, std::move(message)});
}
inline tl::unexpected<Error> usage_error(std::string message) {
  return tl::unexpected(Error{ErrorKind::kUsage, std::move(message)});
}
inline tl::unexpected<Error> machine_error(std::string message) {
  return tl::unexpected(Error{ErrorKind::kMachine, std::move(message)});
}

/// The exit code a tool ends with after this error: 1, 2, 3 or 4.
constexpr int exit_code(ErrorKind kind) { return static_cast<int>(kind) + 1; }

}  // namespace graphrt

#define GRAPHRT_JOIN_(a, b) a##b
#define GRAPHRT_JOIN(a, b) GRAPHRT_JOIN_(a, b)
#define GRAPHRT_TRY_VOID(temporary, expression)               \
  if (auto temporary = (expression); !temporary) [[unlikely]] \
  return tl::unexpected(std::move(temporary).error())
#define GRAPHRT_TRY_BIND(temporary, declaration, expression) \
  auto temporary = (expression);                             \
  if (!temporary) [[unlikely]]                               \
    return tl::unexpected(std::move(temporary).error());     \
  declaration = *std::move(temporary)
#define GRAPHRT_TRY_PICK(_1, _2, name, ...) name

/// `TRY(step());` or `TRY(const Plan plan, read_plan(path));`: returns the error, if there is one.
#define TRY(...)                                                            \
  GRAPHRT_TRY_PICK(__VA_ARGS__, GRAPHRT_TRY_BIND, GRAPHRT_TRY_VOID, unused) \
  (GRAPHRT_JOIN(try_, __LINE__), __VA_ARGS__)
