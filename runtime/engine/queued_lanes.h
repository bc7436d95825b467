#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/lane_queue.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The queue of a device's back end, one a device of the plan; absent: its lanes are run by
/// threads. The host has none.
using QueueOfDevice = IdVector<DeviceId, std::optional<QueueId>>;

/// The queue that runs a lane: of the back end that binds its instructions. Copies are bound by the
/// accelerator at their end, by the destination if both are.
std::optional<QueueId> queue_of_lane(const PlanLane& lane, const QueueOfDevice& queue_of);

/// A signal by its queue.
struct QueueSignal {
  QueueId queue;
  SignalId id;
};

/// The signals of an instruction that runs on a host thread.
struct HostSignals {
  std::vector<QueueSignal> waits_on;  ///< consumed before it starts
  std::vector<QueueSignal> signals;   ///< produced after it has finished
};

/// Which instructions a signal orders.
struct SignalEnds {
  InstructionId producer;
  InstructionId consumer;
};

/// What one queue runs, and what of the plan that is.
struct DividedQueue {
  QueueProgram program;
  IdVector<QueuedLaneId, LaneId> lane_of;
  IdVector<SignalId, SignalEnds> ends;
};

/// The lanes of a plan divided between host threads and the queues of back ends.
struct DividedPlan {
  IdVector<QueueId, DividedQueue> queues;  ///< those of them without lanes are empty
  IdVector<LaneId, std::optional<QueueId>> queue_of;
  IdVector<InstructionId, HostSignals> host;
};

/// Gives the lanes of devices with a queue to that queue. A wait within one of the parts, a queue
/// or the host, stays a wait; a wait that crosses becomes a signal. Together they state exactly
/// the plan's order; what of it goes around a queue is stated to the queue once more
/// (order_through_host.h).
///
///   gpu0.stream0   [ fc1_0 ]--+                     waits on cpu.worker0: taken by fc1_0
///   cpu.worker0               +--[ wgrad2 ]         waits on gpu0->cpu: taken by wgrad2
///
/// Requires: verify_plan(plan) found nothing; no lane of a queue waits for one of another (relays.h
///           sees to that); `actions` are those of the plan and outlive the queues.
/// Errors: an order between host and accelerators that is too large to be stated (kInput).
Result<DividedPlan> divide_plan(const Plan& plan, const QueueOfDevice& queue_of,
                                const IdVector<InstructionId, std::unique_ptr<Action>>& actions);

}  // namespace graphrt
