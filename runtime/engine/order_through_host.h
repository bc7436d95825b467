#pragma once

#include "runtime/base/result.h"
#include "runtime/engine/queued_lanes.h"
#include "runtime/proof/happens_before.h"

namespace graphrt {

/// Adds to the waits of each queue what orders its instructions only by way of the host, or of
/// another queue, so that the waits alone state all of the plan's order among them, and that of
/// flags that are used again:
///
///   gpu0->cpu      [ g -> cpu ]---.                . . . . . . .  new: a wait of its own
///   cpu.worker0                    `--[ update ]--.
///   cpu->gpu0      . . . . . . . . . . . . . . . . `--[ w -> gpu0 ]
///
/// Hardware may run what is queued in any order that the waits allow, one thing after the other. If
/// it put `w -> gpu0` first, it would wait for ever for a host that waits for `g -> cpu`.
///
/// Errors: stating the order takes more than `max_counters` counters of HappensBefore (kInput).
Result<void> add_order_through_host(const Plan& plan, DividedPlan& divided,
                                    size_t max_counters = kMaxOrderCounters);

}  // namespace graphrt
