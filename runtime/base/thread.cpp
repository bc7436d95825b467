#include "runtime/base/thread.h"

#include <utility>

#include "runtime/base/exceptions.h"

namespace graphrt {

Result<std::thread> start_thread(const std::string& purpose, std::function<void()> body) {
  try {
    return std::thread(std::move(body));
  } catch (...) {
    return machine_error("cannot start " + purpose + ": " + error_of_exception().message);
  }
}

}  // namespace graphrt
