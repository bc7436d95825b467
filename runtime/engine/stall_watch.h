#pragma once

#include <chrono>
#include <functional>
#include <string>

namespace graphrt {

/// When to give up on a run.
struct StallWatch {
  /// Without progress of any lane for so long, the run is ended; 0: never.
  std::chrono::milliseconds timeout{0};
  /// Told what every lane had done and waits for, before the run is ended, on a thread of its own.
  /// An action that does not return keeps the run from ending, but not from being told.
  std::function<void(const std::string& table)> on_stall;
  /// Whether the process is about to be ended by others: a run that stands still is ended soon then,
  /// whatever the timeout. Asked often, from a thread of its own. Absent: never.
  std::function<bool()> is_urgent = {};
};

}  // namespace graphrt
