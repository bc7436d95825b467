#include "runtime/base/console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>

namespace graphrt {
namespace {

/// A pipe that has room for anything takes so many bytes without waiting.
constexpr size_t kChunkBytes = 4096;

/// As poll() counts: not at all, and for ever.
enum class Patience : int { kNone = 0, kEndless = -1 };

/// Whether text counts as a report, whose loss is an error.
enum class Worth { kNote, kReport };

class Stream {
 public:
  Stream(int descriptor, std::string_view name) : descriptor_(descriptor), name_(name) {}

  void put(std::string_view text, Worth worth) noexcept try {
    const std::lock_guard lock(mutex_);
    if (worth == Worth::kReport) owes_report_ = has_reported_ = true;
    pending_ += text;
    drain(Patience::kNone);
  } catch (...) {  // no memory to keep it
    if (worth == Worth::kReport) lose(ENOMEM);
  }

  void put_if_idle(std::string_view text) noexcept {
    const std::lock_guard lock(mutex_);
    if (!pending_.empty() || is_broken_ || !takes_more(Patience::kNone)) return;
    const ssize_t count = ::write(descriptor_, text.data(), std::min(text.size(), kChunkBytes));
    if (count < 0 && errno == EPIPE) is_broken_ = true;
  }

  std::optional<LostReport> finish() noexcept {
    const std::lock_guard lock(mutex_);
    drain(Patience::kEndless);
    if (has_reported_) look_at_closing();
    if (lost_code_ == 0) return std::nullopt;
    return LostReport{name_, lost_code_};
  }

  bool is_broken() const noexcept { return is_broken_; }

 private:
  bool takes_more(Patience patience) noexcept {
    pollfd polled{descriptor_, POLLOUT, 0};
    // Where it cannot be asked, writing will say what is wrong.
    return ::poll(&polled, 1, static_cast<int>(patience)) != 0;
  }

  /// Writes what is pending, as far as the descriptor takes it.
  void drain(Patience patience) noexcept {
    while (num_written_ < pending_.size()) {
      if (is_broken_) return drop(EPIPE);
      if (!takes_more(patience)) return;
      const size_t size = std::min(pending_.size() - num_written_, kChunkBytes);
      const ssize_t count = ::write(descriptor_, pending_.data() + num_written_, size);
      if (count >= 0) {
        num_written_ += static_cast<size_t>(count);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN && patience == Patience::kNone) return;
      if (errno == EAGAIN) continue;
      return drop(errno);
    }
    forget_pending();
  }

  void drop(int code) noexcept {
    if (code == EPIPE) is_broken_ = true;
    if (owes_report_) lose(code);
    forget_pending();
  }

  void lose(int code) noexcept {
    int none = 0;
    lost_code_.compare_exchange_strong(none, code);
  }

  void forget_pending() noexcept {
    pending_.clear();
    num_written_ = 0;
    owes_report_ = false;
  }

  /// Some file systems report a failed write only when a descriptor is closed; a copy's will do.
  void look_at_closing() noexcept {
    const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0 && ::close(copy) != 0 && errno != EINTR) lose(errno);
  }

  const int descriptor_;
  const std::string_view name_;
  std::atomic<bool> is_broken_ = false;
  std::atomic<int> lost_code_ = 0;

  // Guarded by the mutex.
  std::mutex mutex_;
  std::string pending_;
  size_t num_written_ = 0;  // of what is pending
  bool owes_report_ = false;
  bool has_reported_ = false;
};

// Never destroyed: a thread that nobody waits for may speak until the process is gone.
Stream& output() noexcept {
  static Stream& stream = *new Stream(STDOUT_FILENO, "standard output");
  return stream;
}
Stream& errors() noexcept {
  static Stream& stream = *new Stream(STDERR_FILENO, "standard error");
  return stream;
}

}  // namespace

void open_standard_descriptors() {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest free number is this one. A folder is always there, and takes no bytes.
    if (::open("/", O_RDONLY | O_DIRECTORY) != descriptor) return;
  }
}

void note(std::string_view text) noexcept { errors().put(text, Worth::kNote); }
void show_progress(std::string_view text) noexcept { errors().put_if_idle(text); }
void report(std::string_view text) noexcept { output().put(text, Worth::kReport); }
void report_on_stderr(std::string_view text) noexcept { errors().put(text, Worth::kReport); }

bool is_pipe_broken() noexcept { return output().is_broken() || errors().is_broken(); }

std::optional<LostReport> deliver_reports() noexcept {
  const std::optional<LostReport> lost = output().finish();
  const std::optional<LostReport> lost_beside = errors().finish();
  return lost ? lost : lost_beside;
}

}  // namespace graphrt
