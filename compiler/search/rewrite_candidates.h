#pragma once

#include "compiler/lower/decisions.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

/// Rewrites that would lower the peak of `device` in `schedule`: of the values that are alive when
/// the device is fullest and not used at that moment, the largest first, each kept away from its
/// readers after that moment.
///
///   alive on the device   |---- h1 ----------------------------|     h1 is the largest that nobody
///                              |--h2--| peak |--g2--|               uses at the peak: its last
///   tasks                  h1   h2     z2     g2   g1(h1)            reader can have it again
///   later
///
/// `placed`: the graph that the schedule was made of, before rows were split.
std::vector<MemoryRewrite> rewrite_candidates(const PlacedGraph& placed, const Schedule& schedule,
                                              DeviceId device, const Machine& machine);

}  // namespace graphc
