// What the engine does with the lanes that have no thread of the host.

#include <sched.h>

#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/engine/engine.h"

namespace graphrt {

Engine::BoundQueues Engine::bind_queues(const Plan& plan, const DividedPlan& divided) {
  BoundQueues bound_queues(divided.queues.size(), nullptr);
  for (const QueueId id : divided.queues.ids()) {
    const DividedQueue& divided_queue = divided.queues[id];
    if (divided_queue.program.lanes.empty()) continue;
    queues_.push_back(std::make_unique<BoundQueue>());
    BoundQueue& queue = *queues_.back();
    bound_queues[id] = &queue;
    queue.lanes = divided_queue.lane_of;
    for (const LaneId lane : queue.lanes) {
      queue.instructions.push_back(plan.lanes[lane].instructions);
    }
    queue.signals = divided_queue.program.signals;
    queue.ends = divided_queue.ends;
  }
  return bound_queues;
}

/// In the order of bind_queues().
Result<void> Engine::make_queues(DividedPlan& divided, const QueueChoice& choice) {
  size_t next = 0;
  for (const QueueId id : divided.queues.ids()) {
    QueueProgram& program = divided.queues[id].program;
    if (program.lanes.empty()) continue;
    BoundQueue& queue = *queues_[next++];
    TRY(queue.lane_queue, choice.make_queue[id](std::move(program), choice.mode));
    queue.flags = queue.lane_queue->flags();
  }
  return {};
}

void Engine::run_queue(BoundQueue& queue) {
  queue.result = without_exceptions([&] { return queue.lane_queue->run(is_stopping_); });
  // Whoever waits for its flags waits for what nobody will set any more.
  if (!queue.result) is_stopping_.store(true);
  num_queues_under_way_.fetch_sub(1);
}

/// The first error. Requires: all queues are over.
Result<void> Engine::queue_result() const {
  for (const auto& queue : queues_) TRY(queue->result);
  return {};
}

/// Of a stopped run: lets the hardware through all its waits for the host until it has ended. The
/// threads that launch do so, too, but may be inside of a launch, which returns only when the
/// hardware has taken enough of what is queued already.
void Engine::release_queues() {
  if (is_releasing_.exchange(true)) return;
  while (num_queues_under_way_.load() > 0) {
    for (const auto& queue : queues_) {
      for (const SignalId id : queue->signals.ids()) {
        const bool is_to_device = queue->signals[id].direction == SignalDirection::kToDevice;
        for (int64_t slot = 0; slot < queue->flags.num_slots(); ++slot) {
          const uint32_t awaited = is_to_device ? 1 : 0;
          std::atomic_ref(*queue->flags.at(id, slot)).store(awaited, std::memory_order_release);
        }
      }
    }
    sched_yield();
  }
}

void Engine::report_queued(InstructionObserver& observer) const {
  for (const auto& queue : queues_) {
    for (const QueuedSpan& span : queue->lane_queue->spans()) {
      const QueuedLaneId lane = span.where.lane;
      const auto position = static_cast<size_t>(span.where.position);
      observer.on_queued(queue->lanes[lane], queue->instructions[lane][position], span.step,
                         span.start, span.end);
    }
  }
}

LaunchCost Engine::launch_cost() const {
  LaunchCost sum;
  for (const auto& queue : queues_) sum += queue->lane_queue->launch_cost();
  return sum;
}

}  // namespace graphrt
