#include "runtime/engine/engine.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/thread.h"
#include "runtime/engine/relays.h"

namespace graphrt {
namespace {

/// A flag that the hardware sets is looked at this often before the thread starts to nap.
constexpr int64_t kFlagYields = 20'000;
constexpr std::chrono::microseconds kFlagNap{20};

/// Those that this process may run on: mpirun binds it to one unless it is told not to.
size_t num_own_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0) {
    return static_cast<size_t>(CPU_COUNT(&cores));
  }
  return std::thread::hardware_concurrency();
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(
    const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions,
    const QueueChoice& queues, MessageChoice messages) {
  CHECK(actions.size() == plan.instructions.size(), plan.name);
  const bool is_queueing = !queues.queue_of.empty() && queues.mode != LaunchMode::kHost;
  const QueueOfDevice queue_of =
      is_queueing ? queues.queue_of : QueueOfDevice(plan.devices.size(), std::nullopt);
  const std::optional<Plan> relayed = plan_with_relays(plan, queue_of);
  const Plan& whole = relayed ? *relayed : plan;
  actions.resize(whole.instructions.size());
  std::unique_ptr<Engine> engine(new Engine(whole, std::move(actions), std::move(messages)));
  TRY(DividedPlan divided, divide_plan(whole, queue_of, engine->actions_));
  const BoundQueues bound_queues = engine->bind_queues(whole, divided);
  engine->bind_lanes(whole, divided, bound_queues);
  engine->bind_messages(whole);
  TRY(engine->make_queues(divided, queues));
  TRY(engine->start_threads());
  return engine;
}

Engine::Engine(const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions,
               MessageChoice messages)
    : actions_(std::move(actions)),
      host_(messages.host),
      messages_(std::move(messages.messages)),
      instruction_of_end_(std::move(messages.ends)),
      host_titles_(std::move(messages.titles)),
      max_stage_(max_stage(plan)) {
  for (const PlanLane& lane : plan.lanes) lane_names_.push_back(lane.name);
  for (const Instruction& instruction : plan.instructions) {
    names_.push_back(instruction.name);
    stages_.push_back(instruction.stage);
  }
}

Engine::~Engine() {
  watchdog_.reset();
  Order order;
  order.leave = true;
  issue(order);
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
  for (const auto& queue : queues_) {
    if (queue->thread.joinable()) queue->thread.join();
  }
  if (message_thread_.joinable()) message_thread_.join();
}

bool Engine::runs_here(const Plan& plan, LaneId lane) const {
  return !host_ || host_of(plan, lane) == *host_;
}

void Engine::bind_lanes(const Plan& plan, const DividedPlan& divided, const BoundQueues& queues) {
  IdVector<LaneId, const ProgressCounter*> counters(plan.lanes.size(), nullptr);
  for (const LaneId id : plan.lanes.ids()) {
    const PlanLane& lane = plan.lanes[id];
    if (lane.instructions.empty() || !runs_here(plan, id)) continue;
    if (lane.kind == LaneKind::kOutput) has_output_lane_ = true;
    if (divided.queue_of[id]) continue;
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->id = id;
    counters[id] = &lanes_.back()->counter;
  }
  for (const auto& lane : lanes_) {
    for (const InstructionId id : plan.lanes[lane->id].instructions) {
      const Instruction& instruction = plan.instructions[id];
      const HostSignals& signals = divided.host[id];
      BoundInstruction item{.id = id,
                            .stage = instruction.stage,
                            .waits = {},
                            .waits_on = bound(signals.waits_on, queues),
                            .signals = bound(signals.signals, queues),
                            .action = actions_[id].get()};
      for (const Wait& wait : instruction.waits) {
        if (divided.queue_of[wait.lane]) continue;  // one of the signals
        CHECK(counters[wait.lane] != nullptr, instruction.name);
        item.waits.push_back({wait.lane, counters[wait.lane],
                              static_cast<int64_t>(plan.lanes[wait.lane].instructions.size()),
                              wait.count, wait.distance});
      }
      lane->instructions.push_back(std::move(item));
    }
  }
}

std::vector<Engine::BoundSignal> Engine::bound(const std::vector<QueueSignal>& signals,
                                               const BoundQueues& queues) {
  std::vector<BoundSignal> result;
  for (const auto& [queue, id] : signals) {
    result.push_back({queues[queue], id, queues[queue]->signals[id].distance});
  }
  return result;
}

Result<void> Engine::start_threads() {
  const size_t num_launchers = queues_.empty() ? 0 : queues_.size() - 1;
  const size_t num_messengers = message_lanes_.empty() ? 0 : 1;
  const size_t num_lane_threads = lanes_.size() - message_lanes_.size();
  wait_policy_ = wait_policy(num_lane_threads + num_messengers, num_own_cores());
  const auto purpose = [&](size_t index) {
    return "thread " + std::to_string(index + 1) + " of " +
           std::to_string(num_lane_threads + num_launchers + num_messengers) +
           ", one for every lane" + (num_launchers > 0 ? " and queue" : "");
  };
  size_t num_started = 0;
  for (const auto& each : lanes_) {
    Lane& lane = *each;
    if (lane.has_messages) continue;
    TRY(lane.thread, start_thread(purpose(num_started++),
                                  [this, &lane] { serve([this, &lane] { run_lane(lane); }); }));
    // The system keeps 15 characters of a thread's name; a longer one would be refused.
    pthread_setname_np(lane.thread.native_handle(), lane_names_[lane.id].substr(0, 15).c_str());
  }
  for (size_t i = 0; i < num_launchers; ++i) {
    BoundQueue& queue = *queues_[i + 1];
    TRY(queue.thread, start_thread(purpose(num_started++), [this, &queue] {
          serve([this, &queue] { run_queue(queue); });
        }));
  }
  if (num_messengers == 0) return {};
  TRY(message_thread_,
      start_thread(purpose(num_started), [this] { serve([this] { run_messages(); }); }));
  pthread_setname_np(message_thread_.native_handle(), "messages");
  return {};
}

Result<void> Engine::run(StepRange steps, InstructionObserver* observer, const StallWatch& watch) {
  CHECK(steps.first >= 0 && steps.count >= 0, "negative steps");
  if (has_failed_) return input_error("an earlier run of this plan failed; load it again");
  if (steps.count == 0) return {};
  const int64_t num_intervals = steps.count + max_stage_;
  const bool is_timed = observer != nullptr && observer->wants_queued();
  TRY(prepare_watchdog(watch.timeout));
  for (const auto& queue : queues_) TRY(queue->lane_queue->prepare(steps, is_timed));
  progress_limit_.store(steps.count, std::memory_order_relaxed);
  progress_base_.store(next_interval_, std::memory_order_relaxed);
  num_queues_under_way_.store(static_cast<int32_t>(queues_.size()));
  issue({steps, next_interval_, num_intervals, observer, false});
  next_interval_ += num_intervals;
  Result<void> finished = run_watched(watch);
  for (const auto& lane : lanes_) {
    if (!lane->error) continue;
    has_failed_ = true;
    return tl::unexpected(*lane->error);
  }
  if (finished) finished = message_result_;
  if (!finished) has_failed_ = true;
  if (is_timed && finished) report_queued(*observer);
  return finished;
}

Result<void> Engine::run_watched(const StallWatch& watch) {
  const std::function<void()> bark = [this, &watch] {
    if (watch.on_stall) watch.on_stall(stall_table());
  };
  const bool is_watched = watch.timeout.count() > 0;
  if (is_watched) watchdog_->arm(bark, watch.is_urgent ? &watch.is_urgent : nullptr);
  if (!queues_.empty()) run_queue(*queues_.front());
  for (int32_t left = num_running_.load(); left != 0; left = num_running_.load()) {
    num_running_.wait(left);
  }
  Result<void> queued = queue_result();
  if (!is_watched || !watchdog_->disarm()) return queued;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(watch.timeout);
  return machine_error("no progress for " + std::to_string(seconds.count()) +
                       " s, so the run was ended" + (queued ? "" : ": " + queued.error().message));
}

/// Made once: a thread a run would cost more than a short run takes.
Result<void> Engine::prepare_watchdog(std::chrono::milliseconds timeout) {
  if (timeout.count() <= 0) return {};
  if (watchdog_ != nullptr && watchdog_->timeout() == timeout) return {};
  watchdog_.reset();
  TRY(watchdog_,
      Watchdog::create(timeout, [this] { return progress_mark(); }, [this] { stop_all(); }));
  return {};
}

void Engine::issue(const Order& order) {
  order_ = order;
  // The first queue is launched by whoever gives the order.
  const size_t num_launchers = queues_.empty() ? 0 : queues_.size() - 1;
  const size_t num_messengers = message_thread_.joinable() ? 1 : 0;
  num_running_.store(
      static_cast<int32_t>(lanes_.size() - message_lanes_.size() + num_launchers + num_messengers));
  num_orders_.fetch_add(1);
  num_orders_.notify_all();
}

int64_t Engine::num_finished_steps() const {
  // Lanes that were closed count as if they had run for ever.
  if (is_stopping_.load(std::memory_order_relaxed)) return 0;
  const int64_t limit = progress_limit_.load(std::memory_order_relaxed);
  const int64_t base = progress_base_.load(std::memory_order_relaxed);
  int64_t finished = limit;
  for (const auto& lane : lanes_) {
    const auto length = static_cast<int64_t>(lane->instructions.size());
    finished = std::min(finished, lane->counter.value() / length - base - max_stage_);
  }
  // What is delivered is finished; without deliveries, the queues must be through as well.
  if (!has_output_lane_) {
    for (const auto& queue : queues_) {
      finished = std::min(finished, queue->lane_queue->num_finished_steps());
    }
  }
  return std::max<int64_t>(finished, 0);
}

void Engine::serve(const std::function<void()>& carry_out) {
  // No order is missed: the next one is given only after every thread has carried out this one.
  for (uint32_t num_seen = 0;; ++num_seen) {
    num_orders_.wait(num_seen);
    if (order_.leave) return;
    carry_out();
    if (num_running_.fetch_sub(1) == 1) num_running_.notify_all();
  }
}

void Engine::run_lane(Lane& lane) {
  const int64_t end = order_.first_interval + order_.num_intervals;
  for (int64_t interval = order_.first_interval; interval < end; ++interval) {
    if (!is_stopping_.load(std::memory_order_relaxed) && run_interval(lane, interval)) continue;
    is_stopping_.store(true, std::memory_order_relaxed);
    lane.counter.close();
    release_queues();
    return;
  }
}

bool Engine::run_interval(Lane& lane, int64_t interval) {
  const int64_t step_of_stage_0 = interval - order_.first_interval;
  for (const BoundInstruction& instruction : lane.instructions) {
    for (const BoundWait& wait : instruction.waits) {
      // Intervals before the first, and those of earlier runs, are over: for them the target is at
      // most where that lane's counter stood when the run began.
      const int64_t target = (interval - wait.distance) * wait.lane_length + wait.count;
      if (!wait.counter->wait_for(target, wait_policy_)) return false;
    }
    if (!wait_on_signals(instruction, step_of_stage_0)) return false;
    const int64_t step = step_of_stage_0 - instruction.stage;
    if (step >= 0 && step < order_.steps.count) {
      if (!run_instruction(lane, instruction, order_.steps.first + step)) return false;
    }
    lane.counter.advance();
    if (!set_signals(instruction, step_of_stage_0)) return false;
  }
  return true;
}

bool Engine::wait_on_signals(const BoundInstruction& instruction, int64_t interval_of_run) const {
  for (const BoundSignal& signal : instruction.waits_on) {
    const int64_t producing_interval = interval_of_run - signal.distance;
    if (producing_interval < 0) continue;  // before the run: everything is over
    uint32_t* flag = signal.flag(producing_interval);
    if (!wait_for_flag(flag, 1)) return false;
    // A stopped run lets the hardware through all its waits: what it gives then is not there.
    if (is_stopping_.load(std::memory_order_relaxed)) return false;
    std::atomic_ref(*flag).store(0, std::memory_order_release);
  }
  return true;
}

bool Engine::set_signals(const BoundInstruction& instruction, int64_t interval_of_run) const {
  for (const BoundSignal& signal : instruction.signals) {
    uint32_t* flag = signal.flag(interval_of_run);
    if (!wait_for_flag(flag, 0)) return false;
    std::atomic_ref(*flag).store(1, std::memory_order_release);
  }
  return true;
}

/// Hardware sets a flag without waking anybody: so there is no parking, only longer looks away.
bool Engine::wait_for_flag(uint32_t* flag, uint32_t value) const {
  const std::atomic_ref seen(*flag);
  const auto is_set = [&] { return seen.load(std::memory_order_acquire) == value; };
  for (int32_t i = 0; i < wait_policy_.num_spins; ++i) {
    if (is_set()) return true;
    pause_spinning();
  }
  for (int64_t i = 0; !is_set(); ++i) {
    if (is_stopping_.load(std::memory_order_relaxed)) return false;
    if (i < kFlagYields) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(kFlagNap);
    }
  }
  return true;
}

bool Engine::run_instruction(Lane& lane, const BoundInstruction& instruction, int64_t step) {
  if (instruction.action == nullptr) return true;
  lane.num_started.store(lane.counter.value() + 1, std::memory_order_relaxed);
  Result<void> result =
      without_exceptions([&] { return run_observed(lane.id, instruction, step); });
  if (result) return true;
  lane.error = std::move(result).error();
  return false;
}

Result<void> Engine::run_observed(LaneId lane, const BoundInstruction& instruction,
                                  int64_t step) const {
  InstructionObserver* observer = order_.observer;
  if (observer != nullptr) observer->on_start(lane, instruction.id, step);
  TRY(instruction.action->run(step));
  if (observer != nullptr) observer->on_finish(lane, instruction.id, step);
  return {};
}

}  // namespace graphrt
