#pragma once

#include <csignal>
#include <cstddef>
#include <span>
#include <utility>

namespace graphrt {

/// An open file that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value = -1) : value_(value) {}
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileDescriptor() { close(); }

  int get() const { return value_; }
  bool is_open() const { return value_ >= 0; }
  /// Some file systems report a failed write only here.
  bool close();

 private:
  int value_;
};

/// While it lives, writing past a limit or into a pipe that nobody reads is an error of the call
/// (EFBIG, EPIPE) and no signal, whatever the process does about those. Of this thread alone.
class NoSignalsOfWriting {
 public:
  NoSignalsOfWriting();
  NoSignalsOfWriting(const NoSignalsOfWriting&) = delete;
  NoSignalsOfWriting& operator=(const NoSignalsOfWriting&) = delete;
  ~NoSignalsOfWriting();

 private:
  sigset_t signals_{};
  sigset_t mask_before_{};
  sigset_t pending_before_{};
};

/// How many of the bytes were written, waiting for a slow reader: all, or else errno says why not.
size_t write_bytes(int descriptor, std::span<const std::byte> bytes);

}  // namespace graphrt
