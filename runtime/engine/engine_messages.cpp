// What the engine does with lanes of messages: one thread runs all of them.

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/exceptions.h"
#include "runtime/engine/engine.h"

namespace graphrt {
namespace {

/// Nobody wakes this thread: where cores are short it naps between two looks, the first times for
/// this long, later for longer. A message takes several looks of both ends.
constexpr std::chrono::microseconds kFirstNap{2};
constexpr std::chrono::microseconds kLongestNap{20};
constexpr int64_t kNapsOfOneLength = 16;
/// Naps are no longer than this beyond what was asked for.
constexpr unsigned long kTimerSlackNs = 1000;

/// What a thread does between two looks that found nothing, which were so many by now.
void idle_between_looks(int64_t num_idle, const WaitPolicy& policy) {
  if (num_idle < policy.num_spins) {
    pause_spinning();
  } else if (num_idle < int64_t{policy.num_spins} + policy.num_yields) {
    sched_yield();
  } else {
    const int64_t num_naps = num_idle - policy.num_spins - policy.num_yields;
    std::this_thread::sleep_for(
        std::min(kFirstNap * (1 + num_naps / kNapsOfOneLength), kLongestNap));
  }
}

}  // namespace

void Engine::bind_messages(const Plan& plan) {
  IdVector<InstructionId, std::optional<MessageEndId>> end_of(plan.instructions.size());
  for (const MessageEndId end : instruction_of_end_.ids()) end_of[instruction_of_end_[end]] = end;
  places_of_ends_.resize(instruction_of_end_.size());
  for (const auto& lane : lanes_) {
    const PlanLane& planned = plan.lanes[lane->id];
    if (!is_message_lane(planned.kind)) continue;
    lane->has_messages = true;
    MessageLane messages{.lane = lane.get(),
                         .peer = host_of(plan, *planned.peer),
                         .is_send = planned.kind == LaneKind::kSend,
                         .ends = {},
                         .has_ended = std::vector<char>(planned.instructions.size(), 0)};
    for (const InstructionId id : planned.instructions) {
      CHECK(end_of[id].has_value(), plan.instructions[id].name);
      places_of_ends_[*end_of[id]] = {message_lanes_.size(), messages.ends.size()};
      messages.ends.push_back(*end_of[id]);
    }
    message_lanes_.push_back(std::move(messages));
  }
  if (host_titles_.empty()) host_titles_ = plan.hosts;
}

void Engine::run_messages() {
  ::prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  message_result_ = without_exceptions([&] { return run_messages_to_end(); });
  if (message_result_ && are_messages_through()) return;
  is_stopping_.store(true, std::memory_order_relaxed);
  for (const MessageLane& messages : message_lanes_) messages.lane->counter.close();
  static_cast<void>(without_exceptions([&]() -> Result<void> {
    messages_->stop_peers();
    return {};
  }));
  release_queues();
}

/// Returns early, without an error, when the run is stopped.
Result<void> Engine::run_messages_to_end() {
  int64_t num_idle = 0;
  while (!are_messages_through()) {
    if (is_stopping_.load(std::memory_order_relaxed)) return {};
    TRY(const bool has_moved, move_messages());
    if (has_moved) {
      num_idle = 0;
    } else {
      idle_between_looks(num_idle++, wait_policy_);
    }
  }
  return {};
}

bool Engine::are_messages_through() const {
  const int64_t end = order_.first_interval + order_.num_intervals;
  return std::all_of(message_lanes_.begin(), message_lanes_.end(), [&](const MessageLane& each) {
    return each.num_signalled >= end * static_cast<int64_t>(each.ends.size());
  });
}

/// One look at everything; whether anything has changed.
Result<bool> Engine::move_messages() {
  bool has_moved = false;
  for (MessageLane& messages : message_lanes_) {
    TRY(const bool has_started, start_messages(messages));
    has_moved = has_moved || has_started;
  }
  TRY(const std::span<const MessageEndId> ended, messages_->poll());
  for (const MessageEndId end : ended) {
    const auto [lane, position] = places_of_ends_[end];
    message_lanes_[lane].has_ended[position] = 1;
  }
  for (MessageLane& messages : message_lanes_) {
    TRY(const bool has_ended, end_messages(messages));
    has_moved = has_moved || has_ended;
  }
  return has_moved;
}

/// As many as may start, in order. One starts after it has ended in the interval before.
Result<bool> Engine::start_messages(MessageLane& messages) {
  const auto length = static_cast<int64_t>(messages.ends.size());
  const int64_t end = (order_.first_interval + order_.num_intervals) * length;
  bool has_started = false;
  while (messages.num_started < end && messages.num_started - messages.num_signalled < length) {
    const int64_t interval = messages.num_started / length;
    const auto position = static_cast<size_t>(messages.num_started % length);
    const BoundInstruction& instruction = messages.lane->instructions[position];
    if (!may_start(instruction, interval)) break;
    ++messages.num_started;
    messages.lane->num_started.store(messages.num_started, std::memory_order_relaxed);
    TRY(start_message(messages, instruction, interval - order_.first_interval));
    has_started = true;
  }
  return has_started;
}

/// Also of a step outside of the run: what is in order by way of a message is in order in every
/// interval, so its ends meet in each.
Result<void> Engine::start_message(MessageLane& messages, const BoundInstruction& instruction,
                                   int64_t interval_of_run) {
  const auto length = static_cast<int64_t>(messages.ends.size());
  const auto position = static_cast<size_t>((messages.num_started - 1) % length);
  if (!is_in_run(instruction, interval_of_run)) {
    return messages_->start(messages.ends[position], std::nullopt);
  }
  const int64_t step = order_.steps.first + interval_of_run - instruction.stage;
  if (order_.observer != nullptr) {
    order_.observer->on_start(messages.lane->id, instruction.id, step);
  }
  return messages_->start(messages.ends[position], step);
}

/// Those that have ended, in order: the lane's counter, then the flags that queues wait for.
Result<bool> Engine::end_messages(MessageLane& messages) {
  const auto length = static_cast<int64_t>(messages.ends.size());
  const auto at = [&](int64_t number) -> const BoundInstruction& {
    return messages.lane->instructions[static_cast<size_t>(number % length)];
  };
  bool has_ended = false;
  while (messages.num_ended < messages.num_started &&
         messages.has_ended[static_cast<size_t>(messages.num_ended % length)] != 0) {
    messages.has_ended[static_cast<size_t>(messages.num_ended % length)] = 0;
    const int64_t interval_of_run = messages.num_ended / length - order_.first_interval;
    report_message(messages, at(messages.num_ended), interval_of_run);
    messages.lane->counter.advance();
    ++messages.num_ended;
    has_ended = true;
  }
  while (messages.num_signalled < messages.num_ended) {
    const int64_t interval_of_run = messages.num_signalled / length - order_.first_interval;
    const BoundInstruction& instruction = at(messages.num_signalled);
    if (!may_signal(instruction, interval_of_run)) break;
    for (const BoundSignal& signal : instruction.signals) {
      std::atomic_ref(*signal.flag(interval_of_run)).store(1, std::memory_order_release);
    }
    ++messages.num_signalled;
    has_ended = true;
  }
  return has_ended;
}

void Engine::report_message(const MessageLane& messages, const BoundInstruction& instruction,
                            int64_t interval_of_run) const {
  if (order_.observer == nullptr || !is_in_run(instruction, interval_of_run)) return;
  order_.observer->on_finish(messages.lane->id, instruction.id,
                             order_.steps.first + interval_of_run - instruction.stage);
}

bool Engine::is_in_run(const BoundInstruction& instruction, int64_t interval_of_run) const {
  const int64_t step = interval_of_run - instruction.stage;
  return step >= 0 && step < order_.steps.count;
}

/// Whether all waits hold; what signals the queues gave for it is used up then.
bool Engine::may_start(const BoundInstruction& instruction, int64_t interval) const {
  for (const BoundWait& wait : instruction.waits) {
    const int64_t target = (interval - wait.distance) * wait.lane_length + wait.count;
    if (wait.counter->value() < target) return false;
  }
  const int64_t interval_of_run = interval - order_.first_interval;
  const auto flag_of = [&](const BoundSignal& signal) -> uint32_t* {
    const int64_t producing_interval = interval_of_run - signal.distance;
    return producing_interval < 0 ? nullptr : signal.flag(producing_interval);
  };
  for (const BoundSignal& signal : instruction.waits_on) {
    uint32_t* flag = flag_of(signal);
    if (flag != nullptr && std::atomic_ref(*flag).load(std::memory_order_acquire) != 1) {
      return false;
    }
  }
  // A stopped run closes counters and sets all flags: what they say then is not there.
  if (is_stopping_.load(std::memory_order_acquire)) return false;
  for (const BoundSignal& signal : instruction.waits_on) {
    uint32_t* flag = flag_of(signal);
    if (flag != nullptr) std::atomic_ref(*flag).store(0, std::memory_order_release);
  }
  return true;
}

bool Engine::may_signal(const BoundInstruction& instruction, int64_t interval_of_run) const {
  return std::all_of(
      instruction.signals.begin(), instruction.signals.end(), [&](const BoundSignal& signal) {
        return std::atomic_ref(*signal.flag(interval_of_run)).load(std::memory_order_acquire) == 0;
      });
}

}  // namespace graphrt
