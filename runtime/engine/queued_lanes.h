#pragma once

#include <memory>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/lane_queue.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The hand-overs of an instruction that runs on a host thread.
struct HostHandOvers {
  std::vector<HandOverId> takes;  ///< consumed before it starts
  std::vector<HandOverId> gives;  ///< produced after it has finished
};

/// Which instructions a hand-over orders.
struct HandOverEnds {
  InstructionId producer;
  InstructionId consumer;
};

/// The lanes of a plan divided between host threads and a back end's queue.
struct DividedPlan {
  QueueProgram queue;
  IdVector<LaneId, bool> is_queued;
  IdVector<QueuedLaneId, LaneId> lane_of;
  IdVector<InstructionId, HostHandOvers> host;
  IdVector<HandOverId, HandOverEnds> ends;
};

/// Gives the lanes of devices with a queue to that queue. A wait within one half stays a wait; a
/// wait that crosses becomes a hand-over. Together they state exactly the plan's order;
/// what of it goes through the host is stated to the queue once more (order_through_host.h).
///
///   gpu0.stream0   [ fc1_0 ]--+                     waits on cpu.worker0: taken by fc1_0
///   cpu.worker0               +--[ wgrad2 ]         waits on gpu0->cpu: taken by wgrad2
///
/// Requires: verify_plan(plan) found nothing; `actions` are those of the plan and outlive the
/// queue.
/// Errors: an order between host and accelerators that is too large to be stated (kInput).
Result<DividedPlan> divide_plan(const Plan& plan, const IdVector<DeviceId, bool>& has_queue,
                                const IdVector<InstructionId, std::unique_ptr<Action>>& actions);

}  // namespace graphrt
