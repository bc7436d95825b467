#pragma once

#include <cstdint>
#include <span>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// What a step of many small kernels takes with so many streams.
struct StreamTime {
  int32_t num_streams = 0;
  double step_s = 0;
};

/// On how many streams an accelerator gets small kernels done that need not wait for each other:
/// the fewest after which more hardly help. Each stream that a plan uses costs scratch memory and
/// has orders to keep with the others.
/// Requires: the launch cost of `device` is known. Errors: what the session reports.
graphrt::Result<int32_t> measure_streams(const graphc::Machine& machine, graphrt::DeviceId device,
                                         const graphrt::DeviceRegistry& registry);

/// The fewest streams whose step takes at most a quarter longer than the shortest.
/// Requires: `times` is not empty and starts with the fewest.
int32_t fewest_streams(std::span<const StreamTime> times);

}  // namespace graphprobe
