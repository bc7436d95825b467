#include "runtime/device/launch_windows.h"

#include <algorithm>

namespace graphrt {

std::vector<Window> launch_windows(const WindowRequest& request) {
  const int64_t num_intervals = request.num_steps + request.max_stage;
  const int64_t num_periods = std::max<int64_t>(request.max_intervals / request.period, 1);
  const int64_t body = num_periods * request.period;
  if (num_intervals <= std::max(request.max_intervals, request.num_leading)) {
    return {{0, num_intervals}};
  }
  std::vector<Window> windows;
  int64_t next = request.num_leading;
  if (next > 0) windows.push_back({0, next});
  for (; next < num_intervals; next += windows.back().count) {
    windows.push_back({next, std::min(num_intervals - next, body)});
  }
  return windows;
}

RecordingKey recording_key(const Window& window, const WindowRequest& request, int64_t first_step,
                           int64_t num_phases, int64_t num_slots) {
  return {.phase = (first_step + window.first) % num_phases,
          .slot = window.first % num_slots,
          .num_intervals = window.count,
          .num_before = std::min(window.first, request.num_leading),
          .num_steps_left = std::min(request.num_steps - window.first, window.count)};
}

}  // namespace graphrt
