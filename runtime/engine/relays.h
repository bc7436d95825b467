#pragma once

#include <optional>

#include "runtime/engine/queued_lanes.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The plan with relays, where lanes of one queue wait for lanes of another, which knows nothing of
/// the first: lanes of the host that wait in their place and do nothing else. Absent where there is
/// no such wait. Each queue then shares flags with the host alone.
///
///   gpu0->cpu              [ a -> cpu ]--.
///   gpu0->cpu (passed on)                 `--[ a -> cpu ]--.        new, a host lane
///   cpu->npu0                                               `--[ a -> npu0 ]
///
/// A queued lane that is waited for has one relay, which passes on its instructions in their order:
/// so relays add no order beside that of flags (order_through_host.h), which they are part of. Ids
/// of the plan stay as they are; lanes and instructions of relays come after all others. They have
/// no action, belong to no device and must not be shown to observers.
/// Requires: verify_plan(plan) found nothing. The result is no plan that it would accept.
std::optional<Plan> plan_with_relays(const Plan& plan, const QueueOfDevice& queue_of);

}  // namespace graphrt
