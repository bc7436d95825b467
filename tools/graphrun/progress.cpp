#include "tools/graphrun/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/console.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/thread.h"

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

Progress::Progress(const graphrt::Session& session, int64_t end_step)
    : session_(session),
      first_step_(session.next_step()),
      end_step_(end_step),
      is_terminal_(::isatty(STDERR_FILENO) == 1),
      piece_first_(first_step_),
      piece_end_(first_step_) {}

graphrt::Result<void> Progress::start() {
  if (end_step_ <= first_step_) return {};
  TRY(thread_, graphrt::start_thread("a thread that shows progress (--quiet needs none)",
                                     [this] { show_until_stopped(); }));
  return {};
}

Progress::~Progress() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
  hide();
}

void Progress::start_piece(graphrt::StepRange steps) {
  piece_end_ = steps.first + steps.count;
  piece_first_ = steps.first;
}

void Progress::show_value(const std::string& name, const std::string& value) {
  const std::lock_guard lock(mutex_);
  value_ = ", " + name + " " + value;
}

void Progress::hide() {
  const std::lock_guard lock(mutex_);
  if (is_bar_shown_) graphrt::show_progress("\r\x1b[K");
  is_bar_shown_ = false;
}

void Progress::show_until_stopped() {
  const auto start = std::chrono::steady_clock::now();
  const std::chrono::milliseconds period = is_terminal_ ? kBarPeriod : kLinePeriod;
  std::unique_lock lock(mutex_);
  while (!stopped_.wait_for(lock, period, [this] { return is_stopped_; })) {
    // Without memory for a line there is none.
    static_cast<void>(graphrt::without_exceptions([&]() -> graphrt::Result<void> {
      show(std::chrono::steady_clock::now() - start);
      return {};
    }));
  }
}

void Progress::show(std::chrono::steady_clock::duration elapsed) {
  // For a moment between two pieces the session still counts those of the piece before.
  const int64_t done = std::min(piece_first_ + session_.num_finished_steps(), piece_end_.load());
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const double steps_per_s = static_cast<double>(done - first_step_) / seconds;
  const std::string rate = fmt::format(", {:.3g} steps/s{}", steps_per_s, value_);
  if (!is_terminal_) {
    graphrt::show_progress(
        fmt::format("{} of {} steps, {:.0f} s{}\n", done, end_step_, seconds, rate));
    return;
  }
  graphrt::show_progress(
      fmt::format("\r[{}] {}/{} steps{}\x1b[K", bar(done, end_step_), done, end_step_, rate));
  is_bar_shown_ = true;
}

}  // namespace graphrun
