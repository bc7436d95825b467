#pragma once

#include <cstdint>
#include <vector>

namespace graphc {

/// What one device can take of the work that may run anywhere.
struct DeviceCapacity {
  int64_t num_lanes = 1;         ///< that work side by side
  int64_t pinned_ns = 0;         ///< of its lanes' time, all together, that is taken by other work
  std::vector<int64_t> work_ns;  ///< of every piece of work, on one lane of this device; above 0
};

/// No machine of these devices does all the work, wherever it puts each piece, in less than this.
///
/// A lane does at most so much work in a nanosecond as the piece it is best at, compared with the
/// device that is fastest at that piece: w_d = max over pieces of fastest / here. So lanes count by
/// w_d, and time >= (sum of fastest + sum of w_d pinned_d) / sum of w_d lanes_d.
///
/// Requires: at least one device; all know the same pieces. 0 without any piece.
int64_t capacity_bound_ns(const std::vector<DeviceCapacity>& devices);

}  // namespace graphc
