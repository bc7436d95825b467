#include "runtime/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "runtime/base/destination.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/file_descriptor.h"
#include "runtime/base/new_file.h"

namespace graphrt {
namespace {

namespace fs = std::filesystem;

std::string reason_of(int code) { return std::generic_category().message(code); }

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

/// Memory for so much of a file.
Result<std::vector<std::byte>> bytes_for(const fs::path& path, uint64_t size_bytes) {
  Result<std::vector<std::byte>> bytes =
      without_exceptions([&]() -> Result<std::vector<std::byte>> {
        return std::vector<std::byte>(static_cast<size_t>(size_bytes));
      });
  if (bytes) return bytes;
  return machine_error("cannot read '" + path.string() + "', which has " +
                       std::to_string(size_bytes) + " bytes: " + bytes.error().message);
}

using Parts = std::span<const std::span<const std::byte>>;

bool write_parts(int descriptor, Parts parts) {
  return std::all_of(parts.begin(), parts.end(), [&](std::span<const std::byte> part) {
    return write_bytes(descriptor, part) == part.size();
  });
}

/// What the old file's owner allowed stays allowed, and nothing else.
bool keep_mode(int descriptor, const struct stat& old) {
  mode_t mode = old.st_mode & 07777;
  const bool is_owned_alike = ::fchown(descriptor, old.st_uid, old.st_gid) == 0;
  if (!is_owned_alike) mode &= 0777;  // another owner's rights are not to be lent out
  return ::fchmod(descriptor, mode) == 0;
}

/// `old` is empty where there is no file yet.
Result<void> replace_file(const fs::path& path, const std::optional<struct stat>& old,
                          Parts parts) {
  remove_stale_files(path);
  int code = 0;
  for (const auto naming : {NewFile::Naming::kAtTheEnd, NewFile::Naming::kAtOnce}) {
    NewFile file(path, naming);
    // The mode first: what was for few eyes never is for more.
    const bool is_replaced = file.descriptor() >= 0 &&
                             (!old || keep_mode(file.descriptor(), *old)) &&
                             write_parts(file.descriptor(), parts) && file.replace_target();
    if (is_replaced) return {};
    code = errno;
    if (!file.lacks_name()) break;
  }
  return cannot_write(path, reason_of(code));
}

/// A file of several names stays one: it gets the new content in place. What is certain to fail,
/// does so before the old content is touched.
Result<void> overwrite_file(const fs::path& path, const struct stat& old, Parts parts) {
  off_t size = 0;
  for (const auto part : parts) size += static_cast<off_t>(part.size());
  const NoSignalsOfWriting no_signals;
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return cannot_write(path, reason_of(errno));
  if (size > old.st_size) {
    const int code = ::posix_fallocate(file.get(), old.st_size, size - old.st_size);
    if (code != 0) {
      const bool is_restored = ::ftruncate(file.get(), old.st_size) == 0;
      return cannot_write(path, reason_of(code) + (is_restored ? "" : "; it has become longer"));
    }
  }
  const bool is_written = write_parts(file.get(), parts) && ::ftruncate(file.get(), size) == 0 &&
                          ::fsync(file.get()) == 0 && file.close();
  if (!is_written) return cannot_write(path, reason_of(errno));
  return {};
}

/// Pipes and devices cannot be replaced by renaming.
Result<void> write_to_stream(const fs::path& path, const Destination& destination, Parts parts) {
  FileDescriptor stream = open_stream(destination);
  if (!stream.is_open() || !write_parts(stream.get(), parts) || !stream.close()) {
    return cannot_write(path, reason_of(errno));
  }
  return {};
}

}  // namespace

Result<SharedBytes> map_file(const fs::path& path) {
  TRY(const OpenFile file, open_for_reading(path));
  const auto size_bytes = static_cast<size_t>(file.size_bytes);
  if (size_bytes == 0) return SharedBytes();
  void* address = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, file.descriptor.get(), 0);
  if (address == MAP_FAILED) return cannot_read(path, reason_of(errno));
  std::shared_ptr<const void> owner(address, [=](void* mapped) { ::munmap(mapped, size_bytes); });
  return SharedBytes(std::move(owner), {static_cast<const std::byte*>(address), size_bytes});
}

Result<std::vector<std::byte>> read_file_start(const fs::path& path, size_t max_bytes) {
  TRY(const OpenFile file, open_for_reading(path));
  TRY(std::vector<std::byte> bytes,
      bytes_for(path, std::min<uint64_t>(file.size_bytes, max_bytes)));
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

Result<bool> file_exists(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (status.type() == fs::file_type::none) return cannot_read(path, code.message());
  return fs::exists(status);
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
  if (path.empty()) return cannot_write(path, "the path is empty");
  TRY(const Destination destination, destination_of(path));
  if (is_stream(destination)) return write_to_stream(path, destination, parts);
  struct stat old{};
  if (::stat(destination.path.c_str(), &old) != 0) {
    if (errno != ENOENT) return cannot_write(path, reason_of(errno));
    return replace_file(destination.path, std::nullopt, parts);
  }
  if (S_ISDIR(old.st_mode)) return cannot_write(path, "it is a folder");
  if (old.st_nlink > 1) return overwrite_file(destination.path, old, parts);
  return replace_file(destination.path, old, parts);
}

}  // namespace graphrt
