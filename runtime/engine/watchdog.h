#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "runtime/base/result.h"

namespace graphrt {

/// Looks at a number that changes with every progress, from a thread of its own that sleeps between
/// runs. When the number has stayed the same for the timeout, it says so once, and from then on
/// stops what it watches, again and again. What was stopped, the process or the whole
/// machine, gets all of the timeout again when it goes on.
///
/// Threads: arm() and disarm() from one at a time.
class Watchdog {
 public:
  /// Errors: the system gives no thread (kMachine).
  static Result<std::unique_ptr<Watchdog>> create(std::chrono::milliseconds timeout,
                                                  std::function<uint64_t()> progress,
                                                  std::function<void()> stop);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  std::chrono::milliseconds timeout() const { return timeout_; }

  /// From now on a lack of progress calls `bark`, which must stay callable until disarm(). An
  /// exception that it throws is lost.
  void arm(const std::function<void()>& bark);
  /// Nothing is called any more when this returns. Returns whether it has barked.
  bool disarm();

 private:
  Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
           std::function<void()> stop);
  void serve();
  void bark() const;
  void watch(std::unique_lock<std::mutex>& lock);

  std::chrono::milliseconds timeout_;
  std::function<uint64_t()> progress_;
  std::function<void()> stop_;
  std::mutex mutex_;  // held by the thread except while it sleeps
  std::condition_variable changed_;
  const std::function<void()>* bark_ = nullptr;  // null: not armed
  bool has_barked_ = false;
  bool is_leaving_ = false;
  std::thread thread_;
};

}  // namespace graphrt
