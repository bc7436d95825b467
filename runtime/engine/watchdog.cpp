#include "runtime/engine/watchdog.h"

#include <algorithm>
#include <utility>

namespace graphrt {
namespace {

constexpr std::chrono::milliseconds kLongestLookAway{100};
constexpr std::chrono::milliseconds kStopPeriod{5};

}  // namespace

Watchdog::Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
                   std::function<void()> bark, std::function<void()> stop)
    : timeout_(timeout),
      progress_(std::move(progress)),
      bark_(std::move(bark)),
      stop_(std::move(stop)),
      thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_called_off_ = true;
  }
  called_off_.notify_all();
  thread_.join();
}

bool Watchdog::has_barked() const {
  const std::lock_guard lock(mutex_);
  return has_barked_;
}

void Watchdog::watch() {
  using Clock = std::chrono::steady_clock;
  const auto period = std::min(kLongestLookAway, timeout_);
  uint64_t seen = progress_();
  Clock::time_point last_change = Clock::now();
  std::unique_lock lock(mutex_);
  while (!called_off_.wait_for(lock, has_barked_ ? kStopPeriod : period,
                               [this] { return is_called_off_; })) {
    if (!has_barked_) {
      const uint64_t now = progress_();
      if (now != seen) last_change = Clock::now();
      seen = now;
      if (Clock::now() - last_change < timeout_) continue;
      has_barked_ = true;
      bark_();
    }
    stop_();
  }
}

}  // namespace graphrt
