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

/// Who is told to end is killed a second later, if mpirun is who tells.
inline constexpr std::chrono::milliseconds kUrgentTimeout{300};

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

  /// From now on a lack of progress calls `bark`, which must stay callable until disarm(), as must
  /// `is_urgent`: while that holds, kUrgentTimeout is enough; null: never. An exception that `bark`
  /// throws is lost.
  void arm(const std::function<void()>& bark, const std::function<bool()>* is_urgent = nullptr);
  /// Nothing is called any more when this returns. Returns whether it has barked.
  bool disarm();

 private:
  Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
           std::function<void()> stop);
  void serve();
  void bark() const;
  std::chrono::milliseconds timeout_now() const;
  void watch(std::unique_lock<std::mutex>& lock);

  std::chrono::milliseconds timeout_;
  std::function<uint64_t()> progress_;
  std::function<void()> stop_;
  std::mutex mutex_;  // held by the thread except while it sleeps
  std::condition_variable changed_;
  const std::function<void()>* bark_ = nullptr;       // null: not armed
  const std::function<bool()>* is_urgent_ = nullptr;  // null: never
  bool has_barked_ = false;
  bool is_leaving_ = false;
  std::thread thread_;
};

}  // namespace graphrt
