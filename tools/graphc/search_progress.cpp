#include "tools/graphc/search_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/base/console.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/text.h"
#include "runtime/base/thread.h"

namespace {

constexpr std::chrono::seconds kQuietFor{2};
constexpr std::chrono::milliseconds kPeriod{200};
constexpr size_t kBarWidth = 20;
constexpr size_t kUsualColumns = 80;

size_t num_terminal_columns() {
  struct winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : kUsualColumns;
}

std::string line_of(const graphc::SearchStatus& status) {
  const size_t num_ways = std::max<size_t>(status.num_ways, 1);
  std::string bar(kBarWidth * status.num_done / num_ways, '#');
  bar.resize(kBarWidth, '.');
  const std::string best =
      status.best_ns ? ", best step so far " + graphrt::format_duration(*status.best_ns) : "";
  const std::string line =
      fmt::format("[{}] {}/{}{}: {}", bar, status.num_done, num_ways, best, status.what);
  return graphrt::printable_line(graphrt::shortened(line, num_terminal_columns() - 1));
}

}  // namespace

SearchProgress::SearchProgress() {
  if (::isatty(STDERR_FILENO) != 1) return;
  auto thread =
      graphrt::start_thread("a thread that shows progress", [this] { show_until_stopped(); });
  if (thread) thread_ = *std::move(thread);
}

void SearchProgress::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
  }
  stopped_.notify_all();
  if (thread_.joinable()) thread_.join();
}

graphc::SearchReport SearchProgress::report() {
  if (!thread_.joinable()) return {};
  return [this](const graphc::SearchStatus& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  };
}

void SearchProgress::show_until_stopped() {
  std::unique_lock lock(mutex_);
  std::chrono::milliseconds wait = kQuietFor;
  bool is_shown = false;
  while (!stopped_.wait_for(lock, wait, [this] { return is_stopped_; })) {
    wait = kPeriod;
    // Without memory for a line there is none.
    static_cast<void>(graphrt::without_exceptions([&]() -> graphrt::Result<void> {
      graphrt::show_progress("\r" + line_of(status_) + "\x1b[K");
      is_shown = true;
      return {};
    }));
  }
  if (is_shown) graphrt::show_progress("\r\x1b[K");
}
