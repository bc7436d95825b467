#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <utility>

#include "runtime/engine/instruction_observer.h"

namespace graphrt {

/// Holds one instruction of one step until others have started, or a deadline has passed.
class BlockUntilStarted final : public InstructionObserver {
 public:
  using Occurrence = std::pair<InstructionId, int64_t>;
  BlockUntilStarted(Occurrence blocked, std::set<Occurrence> awaited)
      : blocked_(blocked), awaited_(std::move(awaited)) {}

  void on_start(LaneId, InstructionId instruction, int64_t step) override {
    std::unique_lock lock(mutex_);
    awaited_.erase({instruction, step});
    changed_.notify_all();
    if (Occurrence{instruction, step} != blocked_) return;
    was_blocked_ = true;
    is_in_time_ =
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return awaited_.empty(); });
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}

  bool were_others_started() const { return was_blocked_ && is_in_time_; }

 private:
  Occurrence blocked_;
  std::set<Occurrence> awaited_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool was_blocked_ = false;
  bool is_in_time_ = false;
};

}  // namespace graphrt
