#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace graphrt {

/// Looks at a number that changes with every progress, from a thread of its own. When it has stayed
/// the same for the timeout, says so once, and from then on stops what it watches, again and again.
class Watchdog {
 public:
  Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
           std::function<void()> bark, std::function<void()> stop);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  bool has_barked() const;

 private:
  void watch();

  std::chrono::milliseconds timeout_;
  std::function<uint64_t()> progress_;
  std::function<void()> bark_;
  std::function<void()> stop_;
  mutable std::mutex mutex_;
  std::condition_variable called_off_;
  bool is_called_off_ = false;
  bool has_barked_ = false;
  std::thread thread_;
};

}  // namespace graphrt
