#include "runtime/base/console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <mutex>
#include <new>
#include <optional>
#include <string>

#include "runtime/base/text.h"

namespace graphrt {
namespace {

/// A pipe that has room for anything takes so many bytes without waiting.
constexpr size_t kChunkBytes = 4096;

/// Nobody reads a longer word to its end.
constexpr size_t kMaxNoteBytes = size_t{256} << 10;

/// As poll() counts: not at all, and for ever.
enum class Patience : int { kNone = 0, kEndless = -1 };

/// Whether text counts as a report, whose loss is an error.
enum class Worth { kNote, kReport };

bool consists_of_plain_lines(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (!is_plain_text(text.substr(0, end))) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

class Stream {
 public:
  Stream(int descriptor, std::string_view name) : descriptor_(descriptor), name_(name) {
    pending_.reserve(kChunkBytes);  // for a few words when there is no memory any more
  }

  void put(std::string_view text, Worth worth) noexcept try {
    const std::lock_guard lock(mutex_);
    if (worth == Worth::kReport) owes_report_ = has_reported_ = true;
    std::string shown;  // stays empty where nothing is to be changed: memory may be out
    if (!consists_of_plain_lines(text) || (worth == Worth::kNote && text.size() > kMaxNoteBytes)) {
      shown = printable(worth == Worth::kNote ? shortened(text, kMaxNoteBytes) : text);
      text = shown;
    }
    if (!pending_.empty()) drain(Patience::kNone);
    if (pending_.empty()) {
      const std::optional<size_t> num_written = write_some(text, Patience::kNone);
      if (!num_written) return;
      text.remove_prefix(*num_written);
    }
    pending_ += text;
    if (pending_.empty()) forget_pending();
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
    const std::string_view left = std::string_view(pending_).substr(num_written_);
    const std::optional<size_t> num_written = write_some(left, patience);
    if (!num_written) return;
    num_written_ += *num_written;
    if (num_written_ == pending_.size()) forget_pending();
  }

  /// Writes as much as the descriptor takes; nothing where all that is pending was dropped.
  std::optional<size_t> write_some(std::string_view text, Patience patience) noexcept {
    size_t num_written = 0;
    while (num_written < text.size()) {
      if (is_broken_) return drop(EPIPE);
      if (!takes_more(patience)) return num_written;
      const size_t size = std::min(text.size() - num_written, kChunkBytes);
      const ssize_t count = ::write(descriptor_, text.data() + num_written, size);
      if (count >= 0) {
        num_written += static_cast<size_t>(count);
        continue;
      }
      if (errno == EINTR) continue;
      if (errno == EAGAIN && patience == Patience::kNone) return num_written;
      if (errno == EAGAIN) continue;
      return drop(errno);
    }
    return num_written;
  }

  std::nullopt_t drop(int code) noexcept {
    if (code == EPIPE) is_broken_ = true;
    if (owes_report_) lose(code);
    forget_pending();
    return std::nullopt;
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
  alignas(Stream) static std::byte room[sizeof(Stream)];
  static Stream& stream = *new (room) Stream(STDOUT_FILENO, "standard output");
  return stream;
}
Stream& errors() noexcept {
  alignas(Stream) static std::byte room[sizeof(Stream)];
  static Stream& stream = *new (room) Stream(STDERR_FILENO, "standard error");
  return stream;
}

}  // namespace

void open_standard_descriptors() {
  output();
  errors();
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
