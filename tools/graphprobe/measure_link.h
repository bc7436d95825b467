#pragma once

#include "runtime/base/result.h"
#include "tools/graphprobe/measure_gpu.h"

namespace graphprobe {

/// What a link does; `to` is from its first device to its second.
struct LinkFigures {
  double to_bytes_per_s = 0;
  double back_bytes_per_s = 0;
  double both_bytes_per_s = 0;  ///< the sum of both directions at once
  double latency_s = 0;         ///< the longer of both directions
};

/// The link between the host, its memory pinned, and an accelerator.
/// Errors: what the back end reports; bytes that do not arrive (kMachine).
graphrt::Result<LinkFigures> measure_host_link(const Accelerator& gpu);

/// The link between two accelerators of one back end.
/// Errors: likewise.
graphrt::Result<LinkFigures> measure_peer_link(const Accelerator& first, const Accelerator& second);

}  // namespace graphprobe
