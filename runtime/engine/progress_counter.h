#pragma once

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace graphrt {

/// How long to wait actively before the thread is parked. Spinning is worth it only while every
/// lane has a core of its own: otherwise it takes the core from the lane that is waited for.
struct WaitPolicy {
  int32_t num_spins = 0;
  int32_t num_yields = 0;
};

constexpr WaitPolicy wait_policy(size_t num_lanes, size_t num_cores) {
  return num_lanes < num_cores ? WaitPolicy{.num_spins = 4000, .num_yields = 64}
                               : WaitPolicy{.num_spins = 0, .num_yields = 16};
}

/// Tells the processor that this thread spins.
inline void pause_spinning() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// How many instructions one lane has finished since the engine was made: it only grows.
///
/// What the lane did before advance() is visible to whoever has waited for the new value. One
/// counter has 128 bytes to itself, because processors fetch cache lines in pairs.
/// Threads: advance() and close() from the lane that owns the counter, the rest from any.
class alignas(128) ProgressCounter {
 public:
  /// One more instruction is finished.
  void advance() {
    // Sequentially consistent, not just release: either this thread sees the parked one below, or
    // the parked one sees the new value before it sleeps.
    value_.store(value_.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
    if (num_parked_.load(std::memory_order_seq_cst) != 0) value_.notify_all();
  }

  /// The lane stops for good: whoever waits for it, now or later, is told so.
  void close() {
    value_.store(kClosed, std::memory_order_seq_cst);
    value_.notify_all();
  }

  /// Returns true when `target` instructions are finished, false when the lane was closed.
  bool wait_for(int64_t target, WaitPolicy policy) const {
    int64_t value = value_.load(std::memory_order_acquire);
    for (int32_t i = 0; value < target && i < policy.num_spins; ++i) {
      pause_spinning();
      value = value_.load(std::memory_order_acquire);
    }
    for (int32_t i = 0; value < target && i < policy.num_yields; ++i) {
      sched_yield();
      value = value_.load(std::memory_order_acquire);
    }
    if (value < target) value = park_until(target);
    return value < kClosed;
  }

  int64_t value() const { return value_.load(std::memory_order_acquire); }

 private:
  /// Above every number of instructions that can be finished.
  static constexpr int64_t kClosed = int64_t{1} << 62;

  int64_t park_until(int64_t target) const {
    num_parked_.fetch_add(1, std::memory_order_seq_cst);
    int64_t value = value_.load(std::memory_order_seq_cst);
    while (value < target) {
      value_.wait(value, std::memory_order_seq_cst);
      value = value_.load(std::memory_order_seq_cst);
    }
    num_parked_.fetch_sub(1, std::memory_order_relaxed);
    return value;
  }

  std::atomic<int64_t> value_ = 0;
  mutable std::atomic<int32_t> num_parked_ = 0;
};

}  // namespace graphrt
