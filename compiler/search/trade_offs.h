#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compiler/machine/machine.h"

namespace graphc {

/// What a compilation within limits comes to.
struct Outcome {
  MemoryLimits peak_bytes;
  int64_t interval_ns = 0;
  std::string how;  ///< the placement, and what was given up
  bool fits = false;
};
using CompileWithin = std::function<Outcome(const MemoryLimits&)>;

/// One point of what memory costs in time: no other has less of both.
struct TradeOff {
  DeviceId device;
  int64_t peak_bytes = 0;
  int64_t interval_ns = 0;  ///< predicted time per step
  std::string how;
};

/// The smallest limit of `device`, the others as they are, that a compilation keeps, to the
/// alignment of a buffer, as far as halving finds it; nothing if the others cannot be kept.
/// Requires: `limits` are not kept.
std::optional<int64_t> smallest_limit(DeviceId device, const MemoryLimits& limits,
                                      const CompileWithin& compile);

/// For every device that the graph needs memory of: the points from the fastest plan down to the
/// smallest, falling in bytes; the other devices are within `limits`.
/// Cost: at most some 40 compilations a device.
std::vector<TradeOff> find_trade_offs(const MemoryLimits& limits, const CompileWithin& compile);

std::string print_trade_offs(const std::vector<TradeOff>& trade_offs, const Machine& machine);

}  // namespace graphc
