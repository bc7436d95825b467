#include "compiler/solve/schedule/capacity_bound.h"

#include <algorithm>
#include <cmath>

namespace graphc {
namespace {

/// Rounding must not lift the bound.
constexpr double kJustBelow = 1 - 1e-9;

int64_t fastest_ns(const std::vector<DeviceCapacity>& devices, size_t piece) {
  int64_t fastest = devices.front().work_ns[piece];
  for (const DeviceCapacity& device : devices) fastest = std::min(fastest, device.work_ns[piece]);
  return fastest;
}

}  // namespace

int64_t capacity_bound_ns(const std::vector<DeviceCapacity>& devices) {
  const size_t num_pieces = devices.front().work_ns.size();
  if (num_pieces == 0) return 0;
  double work_ns = 0;
  std::vector<double> weights(devices.size(), 0);
  for (size_t piece = 0; piece < num_pieces; ++piece) {
    const auto fastest = static_cast<double>(fastest_ns(devices, piece));
    work_ns += fastest;
    for (size_t d = 0; d < devices.size(); ++d) {
      weights[d] = std::max(weights[d], fastest / static_cast<double>(devices[d].work_ns[piece]));
    }
  }
  double num_lanes = 0;
  for (size_t d = 0; d < devices.size(); ++d) {
    work_ns += weights[d] * static_cast<double>(devices[d].pinned_ns);
    num_lanes += weights[d] * static_cast<double>(devices[d].num_lanes);
  }
  return static_cast<int64_t>(std::floor(work_ns / num_lanes * kJustBelow));
}

}  // namespace graphc
