#pragma once

#include <type_traits>

#include "runtime/base/result.h"

namespace graphrt {

/// What the exception that is being handled means to the user; all are of the machine (kMachine).
/// That memory is out is said without taking any.
/// Requires: a handler is being executed.
Error error_of_exception() noexcept;

/// Calls; what a library under us throws becomes an error. `call` gives a Result.
template <class Call>
std::invoke_result_t<Call> without_exceptions(Call&& call) noexcept {
  try {
    return call();
  } catch (...) {
    return tl::unexpected(error_of_exception());
  }
}

}  // namespace graphrt
