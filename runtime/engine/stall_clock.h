#pragma once

#include <chrono>
#include <cstdint>

namespace graphrt {

/// How long a number that changes with every progress has stayed the same, by looks at it that are
/// to be one period apart.
///
/// Time in which nobody could look is no lack of progress. A look that is a little late counts as
/// one in time. One that is late by more than a quarter of the timeout comes after a stop, of the
/// process or of the whole machine, and what should make progress was stopped, too: it gets all of
/// the timeout again.
///
///   looks     |    |    |      |  |    |                       |    |
///   process   runs ........... runs ........stopped............runs ...
///   counted   0    1    2      3  4    5                       0    1
class StallClock {
 public:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  StallClock(Milliseconds period, Milliseconds timeout, uint64_t mark, Clock::time_point now)
      : period_(period), longest_delay_(timeout / 4), mark_(mark), last_look_(now) {}

  /// Looks: the time without progress so far.
  Clock::duration look(uint64_t mark, Clock::time_point now) {
    const Clock::duration since = now - last_look_;
    // In the larger unit: the longest timeout has no number of nanoseconds.
    const bool was_stopped = std::chrono::floor<Milliseconds>(since) - period_ > longest_delay_;
    const Clock::duration counted = since > 2 * period_ ? Clock::duration(period_) : since;
    stuck_ = mark != mark_ || was_stopped ? Clock::duration{} : stuck_ + counted;
    mark_ = mark;
    last_look_ = now;
    return stuck_;
  }

 private:
  Milliseconds period_;
  Milliseconds longest_delay_;
  uint64_t mark_;
  Clock::time_point last_look_;
  Clock::duration stuck_{};
};

}  // namespace graphrt
