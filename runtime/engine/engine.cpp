#include "runtime/engine/engine.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/thread.h"

namespace graphrt {
namespace {

/// A flag that the hardware sets is looked at this often before the thread starts to nap.
constexpr int64_t kFlagYields = 20'000;
constexpr std::chrono::microseconds kFlagNap{20};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(
    const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions,
    const QueueChoice& queues) {
  CHECK(actions.size() == plan.instructions.size(), plan.name);
  std::unique_ptr<Engine> engine(new Engine(plan, std::move(actions)));
  const IdVector<DeviceId, bool> no_queues(plan.devices.size(), false);
  const bool is_queueing = !queues.has_queue.empty() && queues.mode != LaunchMode::kHost;
  TRY(DividedPlan divided,
      divide_plan(plan, is_queueing ? queues.has_queue : no_queues, engine->actions_));
  engine->bind(plan, divided);
  if (!divided.queue.lanes.empty()) {
    TRY(engine->queue_, queues.make_queue(std::move(divided.queue), queues.mode));
    engine->flags_ = engine->queue_->flags();
  }
  TRY(engine->start_threads(plan));
  return engine;
}

Engine::Engine(const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions)
    : actions_(std::move(actions)), max_stage_(max_stage(plan)) {
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
}

void Engine::bind(const Plan& plan, const DividedPlan& divided) {
  hand_overs_ = divided.queue.hand_overs;
  hand_over_ends_ = divided.ends;
  IdVector<LaneId, const ProgressCounter*> counters(plan.lanes.size(), nullptr);
  for (const LaneId id : plan.lanes.ids()) {
    const PlanLane& lane = plan.lanes[id];
    if (lane.instructions.empty()) continue;
    if (lane.kind == LaneKind::kOutput) has_output_lane_ = true;
    if (divided.is_queued[id]) {
      queued_lanes_.push_back(id);
      queued_instructions_.push_back(lane.instructions);
      continue;
    }
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->id = id;
    counters[id] = &lanes_.back()->counter;
  }
  for (const auto& lane : lanes_) {
    for (const InstructionId id : plan.lanes[lane->id].instructions) {
      const Instruction& instruction = plan.instructions[id];
      CHECK(actions_[id] != nullptr, instruction.name);
      const HostHandOvers& hand_overs = divided.host[id];
      BoundInstruction item{.id = id,
                            .stage = instruction.stage,
                            .waits = {},
                            .takes = bound(hand_overs.takes, divided),
                            .gives = bound(hand_overs.gives, divided),
                            .action = actions_[id].get()};
      for (const Wait& wait : instruction.waits) {
        if (divided.is_queued[wait.lane]) continue;  // one of the hand-overs
        CHECK(counters[wait.lane] != nullptr, instruction.name);
        item.waits.push_back({wait.lane, counters[wait.lane],
                              static_cast<int64_t>(plan.lanes[wait.lane].instructions.size()),
                              wait.count, wait.distance});
      }
      lane->instructions.push_back(std::move(item));
    }
  }
  wait_policy_ = wait_policy(lanes_.size(), std::thread::hardware_concurrency());
}

std::vector<Engine::BoundHandOver> Engine::bound(const std::vector<HandOverId>& ids,
                                                 const DividedPlan& divided) const {
  std::vector<BoundHandOver> hand_overs;
  for (const HandOverId id : ids) {
    hand_overs.push_back({id, divided.queue.hand_overs[id].distance});
  }
  return hand_overs;
}

Result<void> Engine::start_threads(const Plan& plan) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    TRY(lane.thread, start_thread("thread " + std::to_string(i + 1) + " of " +
                                      std::to_string(lanes_.size()) + ", one for every lane",
                                  [this, &lane] { serve(lane); }));
    // The system keeps 15 characters of a thread's name; a longer one would be refused.
    const std::string name = plan.lanes[lane.id].name.substr(0, 15);
    pthread_setname_np(lane.thread.native_handle(), name.c_str());
  }
  return {};
}

Result<void> Engine::run(StepRange steps, InstructionObserver* observer, const StallWatch& watch) {
  CHECK(steps.first >= 0 && steps.count >= 0, "negative steps");
  if (has_failed_) return input_error("an earlier run of this plan failed; load it again");
  if (steps.count == 0) return {};
  const int64_t num_intervals = steps.count + max_stage_;
  const bool is_timed = observer != nullptr && observer->wants_queued();
  TRY(prepare_watchdog(watch.timeout));
  if (queue_ != nullptr) TRY(queue_->prepare(steps, is_timed));
  progress_limit_.store(steps.count, std::memory_order_relaxed);
  progress_base_.store(next_interval_, std::memory_order_relaxed);
  is_queue_over_.store(queue_ == nullptr);
  issue({steps, next_interval_, num_intervals, observer, false});
  next_interval_ += num_intervals;
  Result<void> finished = run_watched(watch);
  for (const auto& lane : lanes_) {
    if (!lane->error) continue;
    has_failed_ = true;
    return tl::unexpected(*lane->error);
  }
  if (!finished) has_failed_ = true;
  if (is_timed && finished && queue_ != nullptr) report_queued(*observer);
  return finished;
}

Result<void> Engine::run_watched(const StallWatch& watch) {
  const std::function<void()> bark = [this, &watch] {
    if (watch.on_stall) watch.on_stall(stall_table());
  };
  const bool is_watched = watch.timeout.count() > 0;
  if (is_watched) watchdog_->arm(bark);
  Result<void> queued = run_queue();
  for (int32_t left = num_running_.load(); left != 0; left = num_running_.load()) {
    num_running_.wait(left);
  }
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

Result<void> Engine::run_queue() {
  if (queue_ == nullptr) return {};
  Result<void> result = without_exceptions([&] { return queue_->run(is_stopping_); });
  // The host's lanes wait for flags that nobody will set any more.
  if (!result) is_stopping_.store(true);
  is_queue_over_.store(true);
  return result;
}

/// Of a stopped run: lets the hardware through all its waits for the host until it has ended. The
/// thread that launches does so, too, but may be inside of a launch, which returns only when the
/// hardware has taken enough of what is queued already.
void Engine::release_queue() {
  if (is_releasing_.exchange(true)) return;
  while (!is_queue_over_.load()) {
    for (const HandOverId id : hand_overs_.ids()) {
      const uint32_t awaited = hand_overs_[id].direction == HandOverDirection::kToDevice ? 1 : 0;
      for (int64_t slot = 0; slot < flags_.num_slots(); ++slot) {
        std::atomic_ref(*flags_.at(id, slot)).store(awaited, std::memory_order_release);
      }
    }
    sched_yield();
  }
}

void Engine::report_queued(InstructionObserver& observer) const {
  for (const QueuedSpan& span : queue_->spans()) {
    const QueuedLaneId lane = span.where.lane;
    const auto position = static_cast<size_t>(span.where.position);
    observer.on_queued(queued_lanes_[lane], queued_instructions_[lane][position], span.step,
                       span.start, span.end);
  }
}

void Engine::issue(const Order& order) {
  order_ = order;
  num_running_.store(static_cast<int32_t>(lanes_.size()));
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
  // What is delivered is finished; without deliveries, both halves must be through.
  if (queue_ != nullptr && !has_output_lane_) {
    finished = std::min(finished, queue_->num_finished_steps());
  }
  return std::max<int64_t>(finished, 0);
}

void Engine::serve(Lane& lane) {
  // No order is missed: the next one is given only after every lane has carried out this one.
  for (uint32_t num_seen = 0;; ++num_seen) {
    num_orders_.wait(num_seen);
    if (order_.leave) return;
    run_lane(lane);
    if (num_running_.fetch_sub(1) == 1) num_running_.notify_all();
  }
}

void Engine::run_lane(Lane& lane) {
  const int64_t end = order_.first_interval + order_.num_intervals;
  for (int64_t interval = order_.first_interval; interval < end; ++interval) {
    if (!is_stopping_.load(std::memory_order_relaxed) && run_interval(lane, interval)) continue;
    is_stopping_.store(true, std::memory_order_relaxed);
    lane.counter.close();
    release_queue();
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
    if (!take_all(instruction, step_of_stage_0)) return false;
    const int64_t step = step_of_stage_0 - instruction.stage;
    if (step >= 0 && step < order_.steps.count) {
      if (!run_instruction(lane, instruction, order_.steps.first + step)) return false;
    }
    lane.counter.advance();
    if (!give_all(instruction, step_of_stage_0)) return false;
  }
  return true;
}

bool Engine::take_all(const BoundInstruction& instruction, int64_t interval_of_run) const {
  for (const BoundHandOver& take : instruction.takes) {
    const int64_t producing_interval = interval_of_run - take.distance;
    if (producing_interval < 0) continue;  // before the run: everything is over
    uint32_t* flag = flags_.at(take.id, producing_interval);
    if (!wait_for_flag(flag, 1)) return false;
    // A stopped run lets the hardware through all its waits: what it gives then is not there.
    if (is_stopping_.load(std::memory_order_relaxed)) return false;
    std::atomic_ref(*flag).store(0, std::memory_order_release);
  }
  return true;
}

bool Engine::give_all(const BoundInstruction& instruction, int64_t interval_of_run) const {
  for (const BoundHandOver& give : instruction.gives) {
    uint32_t* flag = flags_.at(give.id, interval_of_run);
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
