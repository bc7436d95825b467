// What the engine says of a run that makes no progress.

#include <algorithm>

#include "runtime/engine/engine.h"

namespace graphrt {

// Closed again and again while it is called: a lane that advanced in between has undone it.
void Engine::stop_all() {
  is_stopping_.store(true);
  for (const auto& lane : lanes_) lane->counter.close();
}

uint64_t Engine::progress_mark() const {
  // A run that begins is progress, too: queued lanes alone may count from 0 in each.
  uint64_t mark = uint64_t{num_orders_.load()} << 32;
  for (const auto& lane : lanes_) mark += static_cast<uint64_t>(lane->counter.value());
  // A queued lane shows between launches only by the flags that it sets. Odd factors tell them
  // apart: two that change at once hardly cancel out.
  uint64_t factor = 1;
  for (const auto& queue : queues_) {
    mark += static_cast<uint64_t>(queue->lane_queue->num_finished_steps());
    for (const SignalId id : queue->signals.ids()) {
      for (int64_t slot = 0; slot < queue->flags.num_slots(); ++slot) {
        factor = factor * 0x9E3779B97F4A7C15ULL + 2;
        mark +=
            factor * std::atomic_ref(*queue->flags.at(id, slot)).load(std::memory_order_relaxed);
      }
    }
  }
  return mark;
}

std::string Engine::stall_table() const {
  std::string table;
  for (const auto& lane : lanes_) table += stall_line(*lane) + "\n";
  for (const auto& queue : queues_) {
    for (const QueuedLaneId lane : queue->lanes.ids()) table += stall_line(*queue, lane) + "\n";
  }
  return table;
}

std::string Engine::name_of(InstructionId id, int64_t interval_of_run) const {
  const int64_t step = order_.steps.first + interval_of_run - stages_[id];
  return "'" + names_[id] + "' of step " + std::to_string(step);
}

std::string Engine::stall_line(const Lane& lane) const {
  const auto length = static_cast<int64_t>(lane.instructions.size());
  const int64_t num_done = lane.counter.value() - order_.first_interval * length;
  const std::string& name = lane_names_[lane.id];
  if (num_done >= order_.num_intervals * length) return name + ": has finished";
  std::string text = name + ": ";
  if (num_done > 0) {
    const BoundInstruction& last = lane.instructions[static_cast<size_t>((num_done - 1) % length)];
    text += "has done " + name_of(last.id, (num_done - 1) / length) + ", ";
  }
  const int64_t interval = num_done / length;
  const BoundInstruction& next = lane.instructions[static_cast<size_t>(num_done % length)];
  if (lane.has_messages) {
    const std::string under_way = message_under_way(lane, next, interval);
    if (!under_way.empty()) return text + under_way;
  }
  const bool is_running = lane.num_started.load(std::memory_order_relaxed) > lane.counter.value();
  const std::string awaited = is_running ? "" : awaited_by(next, interval);
  if (awaited.empty()) return text + "is in " + name_of(next.id, interval);
  return text + "cannot start " + name_of(next.id, interval) + ", which waits for " + awaited;
}

/// Of a message that has started; empty for one that has not.
std::string Engine::message_under_way(const Lane& lane, const BoundInstruction& next,
                                      int64_t interval_of_run) const {
  if (lane.num_started.load(std::memory_order_relaxed) <= lane.counter.value()) return "";
  const auto at = std::find_if(message_lanes_.begin(), message_lanes_.end(),
                               [&](const auto& each) { return each.lane == &lane; });
  return std::string(at->is_send ? "cannot send " : "cannot receive ") +
         name_of(next.id, interval_of_run) + ": host " + host_titles_[at->peer] +
         (at->is_send ? " has not received it" : " has not sent it");
}

std::string Engine::awaited_by(const BoundInstruction& instruction, int64_t interval_of_run) const {
  for (const BoundWait& wait : instruction.waits) {
    const int64_t awaited = interval_of_run - wait.distance;
    const int64_t target = (order_.first_interval + awaited) * wait.lane_length + wait.count;
    if (wait.counter->value() >= target) continue;
    const auto at = std::find_if(lanes_.begin(), lanes_.end(),
                                 [&](const auto& lane) { return lane->id == wait.lane; });
    const BoundInstruction& producer = (*at)->instructions[static_cast<size_t>(wait.count) - 1];
    return name_of(producer.id, awaited) + " on " + lane_names_[wait.lane];
  }
  for (const BoundSignal& signal : instruction.waits_on) {
    const int64_t awaited = interval_of_run - signal.distance;
    if (awaited < 0) continue;
    if (std::atomic_ref(*signal.flag(awaited)).load() == 1) continue;
    return name_of(signal.queue->ends[signal.id].producer, awaited) + ", which the hardware runs";
  }
  return "";
}

const Engine::Lane* Engine::lane_with(InstructionId id) const {
  for (const auto& lane : lanes_) {
    for (const BoundInstruction& instruction : lane->instructions) {
      if (instruction.id == id) return lane.get();
    }
  }
  return nullptr;
}

// The host sees of a queued lane only what it hands over: a lane that has taken all it was given
// may wait for the next; one that has not is busy, or waits for another queued lane.
std::string Engine::stall_line(const BoundQueue& queue, QueuedLaneId id) const {
  const std::string& name = lane_names_[queue.lanes[id]];
  for (const InstructionId instruction : queue.instructions[id]) {
    for (const SignalId signal : queue.signals.ids()) {
      if (queue.signals[signal].direction != SignalDirection::kToDevice) continue;
      const SignalEnds& ends = queue.ends[signal];
      const Lane* producer = ends.consumer == instruction ? lane_with(ends.producer) : nullptr;
      if (producer == nullptr) continue;
      const auto length = static_cast<int64_t>(producer->instructions.size());
      const int64_t next = std::max<int64_t>(
          (producer->counter.value() - order_.first_interval * length) / length, 0);
      const bool has_taken_all =
          next == 0 || std::atomic_ref(*queue.flags.at(signal, next - 1)).load() == 0;
      if (!has_taken_all || next >= order_.num_intervals) continue;
      return name + ": '" + names_[instruction] + "' may wait for " + name_of(ends.producer, next) +
             " on " + lane_names_[producer->id];
    }
  }
  return name + ": runs on the hardware, and waits for nothing of the host";
}

}  // namespace graphrt
