#pragma once

#include <functional>
#include <string>
#include <thread>

#include "runtime/base/result.h"

namespace graphrt {

/// Starts a thread; `purpose` names it in the error, like "thread 2 of 3".
/// Requires: no exception leaves `body`.
/// Errors: the system gives no thread, or no memory for one (kMachine).
Result<std::thread> start_thread(const std::string& purpose, std::function<void()> body);

}  // namespace graphrt
