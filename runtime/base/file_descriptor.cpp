#include "runtime/base/file_descriptor.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace graphrt {

bool FileDescriptor::close() { return value_ < 0 || ::close(std::exchange(value_, -1)) == 0; }

NoSignalsOfWriting::NoSignalsOfWriting() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGPIPE);
  sigaddset(&signals_, SIGXFSZ);
  ::sigpending(&pending_before_);
  ::pthread_sigmask(SIG_BLOCK, &signals_, &mask_before_);
}

NoSignalsOfWriting::~NoSignalsOfWriting() {
  const int code = errno;
  // Both go to the thread that writes. What was waiting before is not ours to take.
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    const timespec at_once{};
    if (sigismember(&pending_before_, signal) == 0) ::sigtimedwait(&one, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  errno = code;
}

size_t write_bytes(int descriptor, std::span<const std::byte> bytes) {
  const NoSignalsOfWriting no_signals;
  size_t num_written = 0;
  while (num_written < bytes.size()) {
    const ssize_t count =
        ::write(descriptor, bytes.data() + num_written, bytes.size() - num_written);
    if (count >= 0) {
      num_written += static_cast<size_t>(count);
      continue;
    }
    if (errno == EAGAIN) {
      pollfd polled{descriptor, POLLOUT, 0};
      ::poll(&polled, 1, -1);
      continue;
    }
    if (errno != EINTR) break;
  }
  return num_written;
}

}  // namespace graphrt
