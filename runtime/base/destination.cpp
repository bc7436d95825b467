#include "runtime/base/destination.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <system_error>

#include "runtime/base/console.h"

namespace graphrt {
namespace {

namespace fs = std::filesystem;

/// As many as Linux follows.
constexpr int kMaxLinks = 40;

/// The N of /dev/fd/N and of its other names.
std::optional<int> descriptor_named_by(const fs::path& path) {
  const std::string name = path.lexically_normal().string();
  if (name == "/dev/stdin") return 0;
  if (name == "/dev/stdout") return 1;
  if (name == "/dev/stderr") return 2;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!name.starts_with(folder)) continue;
    int number = -1;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + folder.size(), end, number);
    if (error == std::errc() && stop == end && number >= 0) return number;
  }
  return std::nullopt;
}

}  // namespace

Result<Destination> destination_of(const fs::path& path) {
  fs::path at = path;
  for (int i = 0; i <= kMaxLinks; ++i) {
    if (const auto descriptor = descriptor_named_by(at)) return Destination{descriptor, {}};
    std::error_code code;
    if (!fs::is_symlink(fs::symlink_status(at, code))) return Destination{std::nullopt, at};
    const fs::path next = fs::read_symlink(at, code);
    if (code) return machine_error("cannot write '" + path.string() + "': " + code.message());
    at = at.parent_path() / next;
  }
  return machine_error("cannot write '" + path.string() +
                       "': " + std::generic_category().message(ELOOP));
}

bool is_stream(const Destination& destination) {
  if (destination.descriptor) return true;
  std::error_code code;
  const fs::file_status status = fs::status(destination.path, code);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

FileDescriptor open_stream(const Destination& destination) {
  if (!destination.descriptor) {
    return FileDescriptor(::open(destination.path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  }
  deliver_reports();  // what was said before comes first
  return FileDescriptor(::fcntl(*destination.descriptor, F_DUPFD_CLOEXEC, 3));
}

}  // namespace graphrt
