#include "tests/unit/runtime/engine/threaded_lane_queue.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <utility>

namespace graphrt {
namespace {

using Clock = std::chrono::steady_clock;

/// Called again and again by a thread that looks at memory until somebody writes it.
void look_away(int64_t num_looks) {
  constexpr int64_t kNumYields = 200;
  constexpr std::chrono::microseconds kNap{20};
  if (num_looks < kNumYields) {
    sched_yield();
    return;
  }
  std::this_thread::sleep_for(kNap);
}

/// Or until everything is released.
void wait_for_flag(uint32_t* flag, uint32_t wanted, const std::atomic<bool>& is_released) {
  const std::atomic_ref seen(*flag);
  for (int64_t i = 0; seen.load(std::memory_order_acquire) != wanted; ++i) {
    if (is_released.load()) return;
    look_away(i);
  }
}

void set_flag(uint32_t* flag, uint32_t value) {
  std::atomic_ref(*flag).store(value, std::memory_order_release);
}

}  // namespace

ThreadedLaneQueue::ThreadedLaneQueue(QueueProgram program, int64_t max_intervals, Launches launches)
    : program_(std::move(program)),
      max_intervals_(max_intervals),
      launches_kind_(launches),
      num_finished_(program_.lanes.size()) {
  const int64_t num_slots = num_signal_slots(program_);
  memory_.resize(program_.signals.size() * static_cast<size_t>(num_slots));
  flags_ = SignalFlags(memory_.data(), num_slots);
}

Result<void> ThreadedLaneQueue::prepare(StepRange steps, bool is_timed) {
  is_timed_ = is_timed;
  spans_ = IdVector<QueuedLaneId, std::vector<QueuedSpan>>(program_.lanes.size());
  num_finished_steps_.store(0);
  has_failed_.store(false);
  error_.reset();
  set_all(0, 0);
  launches_.clear();
  const WindowRequest request = request_for(steps);
  for (const Window& window : launch_windows(request)) {
    launches_.push_back({recording_for(window, request, steps), window});
  }
  return {};
}

WindowRequest ThreadedLaneQueue::request_for(StepRange steps) const {
  WindowRequest request{.num_steps = steps.count,
                        .max_stage = program_.max_stage,
                        .num_leading = 0,
                        .period = 1,
                        .max_intervals = max_intervals_};
  if (launches_kind_ == Launches::kIssued) return request;
  request.num_leading = std::max<int64_t>(program_.max_stage, longest_signal(program_));
  request.period = std::lcm(int64_t{program_.num_phases}, flags_.num_slots());
  return request;
}

ThreadedLaneQueue::Recording ThreadedLaneQueue::recording_for(const Window& window,
                                                              const WindowRequest& request,
                                                              StepRange steps) {
  // What is timed is recorded for itself.
  if (launches_kind_ == Launches::kIssued || is_timed_) return {window, steps};
  const RecordingKey key =
      recording_key(window, request, steps.first, program_.num_phases, flags_.num_slots());
  const auto [at, is_new] = recordings_.try_emplace(key, Recording{window, steps});
  num_replays_ += is_new ? 0 : 1;
  return at->second;
}

Result<void> ThreadedLaneQueue::run(const std::atomic<bool>& is_stopping) {
  for (const auto& [recording, window] : launches_) {
    if (is_stopping.load()) return {};
    launch(recording, is_stopping);
    if (error_) return tl::unexpected(*error_);
    if (is_stopping.load()) return {};
    const int64_t num_steps = window.first + window.count - program_.max_stage;
    num_finished_steps_.store(std::max<int64_t>(num_steps, 0));
  }
  return {};
}

void ThreadedLaneQueue::launch(const Recording& recording, const std::atomic<bool>& is_stopping) {
  for (std::atomic<int64_t>& count : num_finished_) count.store(0);
  num_running_.store(program_.lanes.size());
  is_released_.store(false);
  std::vector<std::thread> threads;
  for (const QueuedLaneId id : program_.lanes.ids()) {
    threads.emplace_back([this, id, &recording] {
      run_lane(id, recording);
      num_running_.fetch_sub(1);
    });
  }
  for (int64_t i = 0; num_running_.load() != 0; ++i) {
    if (is_stopping.load() || has_failed_.load()) {
      is_released_.store(true);
      // Again and again: lanes set flags back as they pass.
      set_all(0, 1);
    }
    look_away(i);
  }
  for (std::thread& thread : threads) thread.join();
}

void ThreadedLaneQueue::run_lane(QueuedLaneId id, const Recording& recording) {
  std::atomic<int64_t>& finished = num_finished_[id.index()];
  const auto length = static_cast<int32_t>(program_.lanes[id].instructions.size());
  for (int64_t i = 0; i < recording.window.count; ++i) {
    for (int32_t position = 0; position < length; ++position) {
      run_instruction({id, position}, recording, recording.window.first + i);
      finished.fetch_add(1);
      finished.notify_all();
    }
  }
}

// What is skipped because its step lies outside the run keeps its waits and signals.
void ThreadedLaneQueue::run_instruction(QueuedPosition at, const Recording& recording,
                                        int64_t interval) {
  const QueuedInstruction& instruction =
      program_.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  wait_for_lanes(instruction, recording, interval);
  wait_on_signals(instruction, interval);
  const int64_t step = interval - instruction.stage;
  if (step >= 0 && step < recording.steps.count) run_action(at, recording.steps.first + step);
  set_signals(instruction, interval);
}

void ThreadedLaneQueue::wait_for_lanes(const QueuedInstruction& instruction,
                                       const Recording& recording, int64_t interval) {
  for (const QueuedWait& wait : instruction.waits) {
    const int64_t awaited = interval - wait.distance - recording.window.first;
    if (awaited < 0) continue;  // before the window: everything is over
    const auto length = static_cast<int64_t>(program_.lanes[wait.lane].instructions.size());
    const int64_t target = awaited * length + wait.count;
    const std::atomic<int64_t>& finished = num_finished_[wait.lane.index()];
    for (int64_t seen = finished.load(); seen < target; seen = finished.load()) {
      finished.wait(seen);
    }
  }
}

void ThreadedLaneQueue::wait_on_signals(const QueuedInstruction& instruction,
                                        int64_t interval) const {
  for (const uint32_t flag : {1U, 0U}) {
    for (const SignalId id : instruction.waits_on) {
      const int64_t producing = interval - program_.signals[id].distance;
      if (producing < 0) continue;  // before the run: everything is over
      if (flag == 1) wait_for_flag(flags_.at(id, producing), 1, is_released_);
      if (flag == 0) set_flag(flags_.at(id, producing), 0);
    }
  }
}

void ThreadedLaneQueue::set_signals(const QueuedInstruction& instruction, int64_t interval) const {
  for (const SignalId id : instruction.signals) {
    wait_for_flag(flags_.at(id, interval), 0, is_released_);
  }
  for (const SignalId id : instruction.signals) set_flag(flags_.at(id, interval), 1);
}

void ThreadedLaneQueue::run_action(QueuedPosition at, int64_t step) {
  const QueuedInstruction& instruction =
      program_.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
  const Clock::time_point start = Clock::now();
  Result<void> result = instruction.action->run(step);
  if (is_timed_) spans_[at.lane].push_back({at, step, start, Clock::now()});
  if (result) return;
  const std::lock_guard lock(error_mutex_);
  if (!error_) error_ = std::move(result).error();
  has_failed_.store(true);
}

std::vector<QueuedSpan> ThreadedLaneQueue::spans() const {
  std::vector<QueuedSpan> all;
  for (const std::vector<QueuedSpan>& spans : spans_) {
    all.insert(all.end(), spans.begin(), spans.end());
  }
  return all;
}

/// Every flag, by the direction of its signal.
void ThreadedLaneQueue::set_all(uint32_t to_host, uint32_t to_device) const {
  for (const SignalId id : program_.signals.ids()) {
    const bool is_to_host = program_.signals[id].direction == SignalDirection::kToHost;
    for (int64_t slot = 0; slot < flags_.num_slots(); ++slot) {
      set_flag(flags_.at(id, slot), is_to_host ? to_host : to_device);
    }
  }
}

}  // namespace graphrt
