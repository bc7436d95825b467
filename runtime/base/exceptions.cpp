#include "runtime/base/exceptions.h"

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

namespace graphrt {
namespace {

/// Short enough for a string to hold without memory of its own.
Error out_of_memory() noexcept { return {ErrorKind::kMachine, "out of memory"}; }

Error error_with_text(const char* text) noexcept {
  try {
    return {ErrorKind::kMachine, text};
  } catch (...) {
    return out_of_memory();
  }
}

}  // namespace

Error error_of_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::length_error&) {
    // Of a container: more elements than any memory has.
    return out_of_memory();
  } catch (const std::exception& exception) {
    return error_with_text(exception.what());
  } catch (...) {
    return error_with_text("an exception of an unknown kind");
  }
}

}  // namespace graphrt
