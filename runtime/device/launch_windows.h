#pragma once

#include <cstdint>
#include <vector>

namespace graphrt {

/// Intervals of one run, counted from its start.
struct Window {
  int64_t first = 0;
  int64_t count = 0;
  bool operator==(const Window&) const = default;
};

/// What the division of a run into recorded launches depends on.
struct WindowRequest {
  int64_t num_steps = 0;
  int64_t max_stage = 0;
  /// From this interval on nothing is left out because it lies before the run.
  int64_t num_leading = 0;
  /// Addresses and flags repeat after so many intervals.
  int64_t period = 1;
  /// A launch holds at most so many intervals; a whole period, and all leading ones, in any case.
  int64_t max_intervals = 1;
};

/// Divides a run of num_steps + max_stage intervals into launches: all in one if it fits, otherwise
/// one for the first intervals, then equal ones of whole periods, which one recording serves until
/// the first steps end, and what is left.
std::vector<Window> launch_windows(const WindowRequest& request);

/// Everything that the recording of a window depends on, as far as another one can differ.
struct RecordingKey {
  int64_t phase = 0;  ///< of the addresses, in the window's first interval
  int64_t slot = 0;   ///< of the flags
  int64_t num_intervals = 0;
  int64_t num_before = 0;      ///< intervals of the run before it, as far as they matter
  int64_t num_steps_left = 0;  ///< likewise
  auto operator<=>(const RecordingKey&) const = default;
};

/// `first_step`: of the run; `num_phases` and `num_slots`: what the period is a multiple of.
RecordingKey recording_key(const Window& window, const WindowRequest& request, int64_t first_step,
                           int64_t num_phases, int64_t num_slots);

}  // namespace graphrt
