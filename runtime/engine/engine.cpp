#include "runtime/engine/engine.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "runtime/base/check.h"

namespace graphrt {

Result<std::unique_ptr<Engine>> Engine::create(
    const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions) {
  CHECK(actions.size() == plan.instructions.size(), plan.name);
  std::unique_ptr<Engine> engine(new Engine(plan));
  engine->bind(plan, std::move(actions));
  TRY(engine->start_threads(plan));
  return engine;
}

Engine::Engine(const Plan& plan) : max_stage_(max_stage(plan)) {}

Engine::~Engine() {
  Order order;
  order.leave = true;
  issue(order);
  for (const auto& lane : lanes_) {
    if (lane->thread.joinable()) lane->thread.join();
  }
}

void Engine::bind(const Plan& plan, IdVector<InstructionId, std::unique_ptr<Action>> actions) {
  IdVector<LaneId, const ProgressCounter*> counters(plan.lanes.size(), nullptr);
  for (const LaneId id : plan.lanes.ids()) {
    if (plan.lanes[id].instructions.empty()) continue;
    lanes_.push_back(std::make_unique<Lane>());
    lanes_.back()->id = id;
    counters[id] = &lanes_.back()->counter;
  }
  for (const auto& lane : lanes_) {
    for (const InstructionId id : plan.lanes[lane->id].instructions) {
      const Instruction& instruction = plan.instructions[id];
      CHECK(actions[id] != nullptr, instruction.name);
      BoundInstruction bound{id, instruction.stage, {}, std::move(actions[id])};
      for (const Wait& wait : instruction.waits) {
        CHECK(counters[wait.lane] != nullptr, instruction.name);
        bound.waits.push_back({counters[wait.lane],
                               static_cast<int64_t>(plan.lanes[wait.lane].instructions.size()),
                               wait.count, wait.distance});
      }
      lane->instructions.push_back(std::move(bound));
    }
  }
  wait_policy_ = wait_policy(lanes_.size(), std::thread::hardware_concurrency());
}

Result<void> Engine::start_threads(const Plan& plan) {
  for (const auto& lane : lanes_) {
    try {
      lane->thread = std::thread([this, &lane = *lane] { serve(lane); });
    } catch (const std::system_error& error) {
      return machine_error("cannot start a thread for each of " + std::to_string(lanes_.size()) +
                           " lanes: " + error.what());
    }
    // The system keeps 15 characters of a thread's name; a longer one would be refused.
    const std::string name = plan.lanes[lane->id].name.substr(0, 15);
    pthread_setname_np(lane->thread.native_handle(), name.c_str());
  }
  return {};
}

Result<void> Engine::run(StepRange steps, InstructionObserver* observer) {
  CHECK(steps.first >= 0 && steps.count >= 0, "negative steps");
  if (has_failed_) return input_error("an earlier run of this plan failed; load it again");
  if (steps.count == 0) return {};
  const int64_t num_intervals = steps.count + max_stage_;
  progress_limit_.store(steps.count, std::memory_order_relaxed);
  progress_base_.store(next_interval_, std::memory_order_relaxed);
  issue({steps, next_interval_, num_intervals, observer, false});
  next_interval_ += num_intervals;
  for (int32_t left = num_running_.load(); left != 0; left = num_running_.load()) {
    num_running_.wait(left);
  }
  for (const auto& lane : lanes_) {
    if (!lane->error) continue;
    has_failed_ = true;
    return tl::unexpected(*lane->error);
  }
  return {};
}

void Engine::issue(const Order& order) {
  order_ = order;
  num_running_.store(static_cast<int32_t>(lanes_.size()));
  num_orders_.fetch_add(1);
  num_orders_.notify_all();
}

int64_t Engine::num_finished_steps() const {
  const int64_t limit = progress_limit_.load(std::memory_order_relaxed);
  const int64_t base = progress_base_.load(std::memory_order_relaxed);
  int64_t finished = limit;
  for (const auto& lane : lanes_) {
    const auto length = static_cast<int64_t>(lane->instructions.size());
    finished = std::min(finished, lane->counter.value() / length - base - max_stage_);
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
    const int64_t step = step_of_stage_0 - instruction.stage;
    if (step >= 0 && step < order_.steps.count) {
      if (!run_instruction(lane, instruction, order_.steps.first + step)) return false;
    }
    lane.counter.advance();
  }
  return true;
}

bool Engine::run_instruction(Lane& lane, const BoundInstruction& instruction, int64_t step) {
  InstructionObserver* observer = order_.observer;
  if (observer != nullptr) observer->on_start(lane.id, instruction.id, step);
  Result<void> result = instruction.action->run(step);
  if (!result) {
    lane.error = std::move(result).error();
    return false;
  }
  if (observer != nullptr) observer->on_finish(lane.id, instruction.id, step);
  return true;
}

}  // namespace graphrt
