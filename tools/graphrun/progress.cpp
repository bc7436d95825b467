#include "tools/graphrun/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace graphrun {
namespace {

constexpr std::chrono::milliseconds kBarPeriod{200};
constexpr std::chrono::seconds kLinePeriod{5};
constexpr int64_t kBarWidth = 32;

std::string bar(int64_t done, int64_t total) {
  const auto filled = static_cast<size_t>(kBarWidth * done / total);
  return std::string(filled, '#') + std::string(static_cast<size_t>(kBarWidth) - filled, '.');
}

}  // namespace

Progress::Progress(const graphrt::Session& session, int64_t num_steps)
    : session_(session), num_steps_(num_steps), is_terminal_(::isatty(STDERR_FILENO) == 1) {
  if (num_steps_ > 0) thread_ = std::thread([this] { show_until_stopped(); });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (is_bar_shown_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show_until_stopped() {
  const auto start = std::chrono::steady_clock::now();
  const std::chrono::milliseconds period = is_terminal_ ? kBarPeriod : kLinePeriod;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, period, [this] { return is_stopped_; })) {
    show(std::chrono::steady_clock::now() - start);
  }
}

void Progress::show(std::chrono::steady_clock::duration elapsed) {
  const int64_t done = session_.num_finished_steps();
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const std::string rate =
      done == 0 ? "" : fmt::format(", {:.3g} ms/step", seconds * 1e3 / static_cast<double>(done));
  if (!is_terminal_) {
    fmt::print(stderr, "{} of {} steps, {:.0f} s{}\n", done, num_steps_, seconds, rate);
    return;
  }
  fmt::print(stderr, "\r[{}] {}/{} steps{}\x1b[K", bar(done, num_steps_), done, num_steps_, rate);
  std::fflush(stderr);
  is_bar_shown_ = true;
}

}  // namespace graphrun
