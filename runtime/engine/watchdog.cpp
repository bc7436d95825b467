#include "runtime/engine/watchdog.h"

#include <algorithm>
#include <utility>

namespace graphrt {
namespace {

constexpr std::chrono::milliseconds kLongestLookAway{100};
constexpr std::chrono::milliseconds kStopPeriod{5};

}  // namespace

Watchdog::Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
                   std::function<void()> stop)
    : timeout_(timeout),
      progress_(std::move(progress)),
      stop_(std::move(stop)),
      thread_([this] { serve(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_leaving_ = true;
    bark_ = nullptr;
  }
  changed_.notify_all();
  thread_.join();
}

void Watchdog::arm(const std::function<void()>& bark) {
  {
    const std::lock_guard lock(mutex_);
    bark_ = &bark;
    has_barked_ = false;
  }
  changed_.notify_all();
}

// Wakes nobody: the thread finds out when it looks next.
bool Watchdog::disarm() {
  const std::lock_guard lock(mutex_);
  bark_ = nullptr;
  return has_barked_;
}

void Watchdog::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_leaving_ || bark_ != nullptr; });
    if (is_leaving_) return;
    watch(lock);
  }
}

// A run that ends and one that begins between two looks are one to the watchdog: the progress of
// the second counts.
void Watchdog::watch(std::unique_lock<std::mutex>& lock) {
  using Clock = std::chrono::steady_clock;
  const auto period = std::min(kLongestLookAway, timeout_);
  uint64_t seen = progress_();
  Clock::time_point last_change = Clock::now();
  while (true) {
    changed_.wait_for(lock, has_barked_ ? kStopPeriod : period);
    if (bark_ == nullptr) return;
    if (!has_barked_) {
      const uint64_t now = progress_();
      if (now != seen) last_change = Clock::now();
      seen = now;
      if (Clock::now() - last_change < timeout_) continue;
      has_barked_ = true;
      (*bark_)();
    }
    stop_();
  }
}

}  // namespace graphrt
