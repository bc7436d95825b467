#include "runtime/engine/watchdog.h"

#include <algorithm>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/base/thread.h"
#include "runtime/engine/stall_clock.h"

namespace graphrt {
namespace {

constexpr std::chrono::milliseconds kLongestLookAway{50};
constexpr std::chrono::milliseconds kStopPeriod{5};

}  // namespace

Watchdog::Watchdog(std::chrono::milliseconds timeout, std::function<uint64_t()> progress,
                   std::function<void()> stop)
    : timeout_(timeout), progress_(std::move(progress)), stop_(std::move(stop)) {}

Result<std::unique_ptr<Watchdog>> Watchdog::create(std::chrono::milliseconds timeout,
                                                   std::function<uint64_t()> progress,
                                                   std::function<void()> stop) {
  std::unique_ptr<Watchdog> watchdog(new Watchdog(timeout, std::move(progress), std::move(stop)));
  TRY(watchdog->thread_, start_thread("a thread that watches for a lack of progress",
                                      [made = watchdog.get()] { made->serve(); }));
  return watchdog;
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_leaving_ = true;
    bark_ = nullptr;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::arm(const std::function<void()>& bark, const std::function<bool()>* is_urgent) {
  {
    const std::lock_guard lock(mutex_);
    bark_ = &bark;
    is_urgent_ = is_urgent;
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

// What is said is lost when there is no memory for it; the run is ended all the same.
void Watchdog::bark() const {
  static_cast<void>(without_exceptions([&]() -> Result<void> {
    (*bark_)();
    return {};
  }));
}

std::chrono::milliseconds Watchdog::timeout_now() const {
  const bool is_urgent = is_urgent_ != nullptr && (*is_urgent_)();
  return is_urgent ? std::min(timeout_, kUrgentTimeout) : timeout_;
}

// A run that ends and one that begins between two looks are one to the watchdog: the progress of
// the second counts.
void Watchdog::watch(std::unique_lock<std::mutex>& lock) {
  using std::chrono::milliseconds;
  const milliseconds period = std::clamp(timeout_ / 20, milliseconds(1), kLongestLookAway);
  StallClock stall(period, timeout_, progress_(), StallClock::Clock::now());
  while (true) {
    changed_.wait_for(lock, has_barked_ ? kStopPeriod : period);
    if (bark_ == nullptr) return;
    if (!has_barked_) {
      // In the larger unit: the longest timeout has no number of nanoseconds.
      const auto stuck = stall.look(progress_(), StallClock::Clock::now());
      if (std::chrono::floor<milliseconds>(stuck) < timeout_now()) continue;
      has_barked_ = true;
      bark();
    }
    stop_();
  }
}

}  // namespace graphrt
