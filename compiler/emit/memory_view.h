#pragma once

#include <string>

#include "compiler/memory/memory_plan.h"

namespace graphc {

/// Where the bytes are over one interval of the predicted steady state, a plot an arena: time to
/// the right, offset upwards, a rectangle for every piece of a value's life at its bytes, grey for
/// what lives for the whole run; versions that wait for their turn are pale. A dashed line at the
/// peak (memory_peak.h), and one at the device's memory where the arena comes near it. A web
/// browser shows it.
std::string memory_to_svg(const MemoryPlan& plan, const Machine& machine);

/// The same as JSON, with keys in this order:
///   {"graph", "machine", "interval_ns", "arenas": [{"device", "size_bytes", "bound_bytes",
///    "peak_bytes", "peak_at_ns", "peak_while", "alive_at_peak": [{"name", "bytes"}],
///    "buffers": [{"name", "offset_bytes", "stride_bytes", "versions",
///                 "live": [[begin_ns, end_ns], ...], "live_versions": [version, ...],
///                 "written_by": [task, ...], "read_by": [task, ...]}]}]}
/// `live` are the pieces of one interval (live_ranges.h) and `live_versions` whose they are.
/// `peak_while` is null where the same bytes are alive all the time.
std::string memory_to_json(const MemoryPlan& plan, const Machine& machine);

}  // namespace graphc
