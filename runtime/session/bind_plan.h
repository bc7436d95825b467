#pragma once

#include <memory>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/action.h"
#include "runtime/plan/plan.h"
#include "runtime/remote/transport.h"
#include "runtime/session/feed.h"
#include "runtime/session/output_sink.h"
#include "runtime/session/plan_memory.h"

namespace graphrt {

/// One an input; empty until the input is known.
using FeedTable = IdVector<InputId, std::unique_ptr<const Feed>>;
/// One an output of the plan, in its order; null for those that stay on their device.
using SinkTable = std::vector<std::unique_ptr<OutputSink>>;

/// An action for every instruction whose host is here, but for messages, bound to the memory, feeds, their order and sinks, all of which
/// must outlive the actions.
/// Requires: verify_plan(plan) found nothing; both tables have their final size.
/// Errors: what a device cannot bind; the instruction's name stands in front.
Result<IdVector<InstructionId, std::unique_ptr<Action>>> bind_plan(const Plan& plan,
                                                                   const PlanMemory& memory,
                                                                   const FeedTable& feeds,
                                                                   const RowOrder& order,
                                                                   const SinkTable& sinks);

/// This process's ends of the plan's messages, and what each of them is.
struct PlanMessages {
  int32_t num_pairs = 0;  ///< of the whole plan
  std::vector<MessageEnd> ends;
  IdVector<MessageEndId, InstructionId> instructions;
};

/// Requires: verify_plan(plan) found nothing; host k is rank k, if several processes run the plan.
PlanMessages messages_of(const Plan& plan, const PlanMemory& memory);

}  // namespace graphrt
