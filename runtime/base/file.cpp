#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace graphrt {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxTemporaryNames = 100;

std::string reason_of(int code) { return std::generic_category().message(code); }

/// An open file that closes itself.
class FileDescriptor {
 public:
  explicit FileDescriptor(int value) : value_(value) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor() { close(); }

  int get() const { return value_; }
  /// Some file systems report a failed write only here.
  bool close() { return value_ < 0 || ::close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

struct OpenFile {
  FileDescriptor descriptor;
  uint64_t size_bytes;
};

tl::unexpected<Error> cannot_read(const fs::path& path, const std::string& reason) {
  return input_error("cannot read '" + path.string() + "': " + reason);
}

tl::unexpected<Error> cannot_write(const fs::path& path, const std::string& reason) {
  return machine_error("cannot write '" + path.string() + "': " + reason);
}

Result<OpenFile> open_for_reading(const fs::path& path) {
  FileDescriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) return cannot_read(path, reason_of(errno));
  struct stat status{};
  if (::fstat(descriptor.get(), &status) != 0) return cannot_read(path, reason_of(errno));
  if (S_ISDIR(status.st_mode)) return cannot_read(path, "it is a folder");
  if (!S_ISREG(status.st_mode)) return cannot_read(path, "it is not a regular file");
  return OpenFile{std::move(descriptor), static_cast<uint64_t>(status.st_size)};
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return true;
}

bool write_parts(int descriptor, std::span<const std::span<const std::byte>> parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [&](std::span<const std::byte> part) { return write_all(descriptor, part); });
}

/// A new file beside the one it will replace; removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const fs::path& target) : descriptor_(-1) {
    for (int attempt = 0; attempt < kMaxTemporaryNames; ++attempt) {
      path_ = target.string() + ".tmp" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0 || errno != EEXIST) return;
    }
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }

  int descriptor() const { return descriptor_; }

  /// The content reaches the disk before the name does: after a power cut there is the old file or
  /// the whole new one.
  bool rename_to(const fs::path& target) {
    if (::fsync(descriptor_) != 0) return false;
    if (std::rename(path_.c_str(), target.c_str()) != 0) return false;
    ::close(std::exchange(descriptor_, -1));
    return true;
  }

 private:
  std::string path_;
  int descriptor_;
};

/// Pipes and devices cannot be replaced by renaming.
Result<void> write_in_place(const fs::path& path,
                            std::span<const std::span<const std::byte>> parts) {
  FileDescriptor descriptor(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (descriptor.get() < 0 || !write_parts(descriptor.get(), parts) || !descriptor.close()) {
    return cannot_write(path, reason_of(errno));
  }
  return {};
}

}  // namespace

Result<std::vector<std::byte>> read_file_start(const fs::path& path, size_t max_bytes) {
  TRY(const OpenFile file, open_for_reading(path));
  std::vector<std::byte> bytes(static_cast<size_t>(std::min<uint64_t>(file.size_bytes, max_bytes)));
  size_t num_read = 0;
  while (num_read < bytes.size()) {
    const ssize_t count =
        ::read(file.descriptor.get(), bytes.data() + num_read, bytes.size() - num_read);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, reason_of(errno));
    if (count == 0) return cannot_read(path, "it became shorter while it was read");
    num_read += static_cast<size_t>(count);
  }
  return bytes;
}

Result<std::vector<std::byte>> read_file(const fs::path& path) {
  return read_file_start(path, SIZE_MAX);
}

Result<uint64_t> file_size_bytes(const fs::path& path) {
  TRY(const OpenFile file, open_for_reading(path));
  return file.size_bytes;
}

Result<void> write_file_atomically(const fs::path& path,
                                   std::initializer_list<std::span<const std::byte>> parts) {
  return write_file_atomically(path, std::span(parts.begin(), parts.size()));
}

Result<void> write_file_atomically(const fs::path& path,
                                   std::span<const std::span<const std::byte>> parts) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (fs::is_directory(status)) return cannot_write(path, "it is a folder");
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_in_place(path, parts);
  // Behind a symbolic link, the file it leads to is replaced, not the link.
  const fs::path target = fs::exists(status) ? fs::canonical(path, code) : path;
  if (target.empty()) return cannot_write(path, code ? code.message() : "the path is empty");
  TemporaryFile file(target);
  if (file.descriptor() < 0 || !write_parts(file.descriptor(), parts) || !file.rename_to(target)) {
    return cannot_write(path, reason_of(errno));
  }
  return {};
}

}  // namespace graphrt
