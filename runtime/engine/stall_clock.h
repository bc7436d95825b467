#pragma once

#include <chrono>
#include <cstdint>

namespace graphrt {

/// How long a number that changes with every progress has stayed the same, by looks at it that are
/// to be one period apart.
///
/// Time in which nobody looked is no lack of progress: whoever looks so late was stopped, or the
/// whole machine was, and what should have made progress, too. Such a look counts as one in time.
///
///   looks     |    |    |    |                       |    |
///   process   runs ............stopped...............runs ...
///   counted     1    1    1    1                       1    1
class StallClock {
 public:
  using Clock = std::chrono::steady_clock;

  StallClock(std::chrono::milliseconds period, uint64_t mark, Clock::time_point now)
      : period_(period), mark_(mark), last_look_(now) {}

  /// Looks: the time without progress so far.
  Clock::duration look(uint64_t mark, Clock::time_point now) {
    const Clock::duration since = now - last_look_;
    stuck_ = mark == mark_ ? stuck_ + (since > 2 * period_ ? period_ : since) : Clock::duration{};
    mark_ = mark;
    last_look_ = now;
    return stuck_;
  }

 private:
  Clock::duration period_;
  uint64_t mark_;
  Clock::time_point last_look_;
  Clock::duration stuck_{};
};

}  // namespace graphrt
