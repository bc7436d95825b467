#include "runtime/base/files_of_call.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <compare>
#include <map>
#include <optional>
#include <system_error>

#include "runtime/base/destination.h"

namespace graphrt {
namespace {

namespace fs = std::filesystem;

/// A file by what the system knows it by; one that is not there yet, by its folder and its name.
struct Identity {
  dev_t device = 0;
  ino_t number = 0;
  std::string name_within;  // empty: the file itself

  auto operator<=>(const Identity&) const = default;
};

fs::path folder_of_file(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

std::string reason_of_system(int code) { return std::generic_category().message(code); }

tl::unexpected<Error> cannot_write(const FileOfCall& file, const std::string& reason) {
  return machine_error("cannot write '" + file.path.string() + "': " + reason);
}

/// Only what is or will be a regular file can be replaced.
std::optional<Identity> identity_of_descriptor(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, ""};
}

std::optional<Identity> identity_of(const Destination& destination) {
  if (destination.descriptor) return identity_of_descriptor(*destination.descriptor);
  struct stat status{};
  if (::stat(destination.path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return Identity{status.st_dev, status.st_ino, ""};
  }
  const fs::path folder = folder_of_file(destination.path);
  if (::stat(folder.c_str(), &status) != 0) return std::nullopt;
  return Identity{status.st_dev, status.st_ino, destination.path.filename().string()};
}

/// Errors: kMachine.
Result<void> check_can_write(const FileOfCall& file, const Destination& destination) {
  if (destination.descriptor) return {};
  if (file.path.empty()) return cannot_write(file, "the path is empty");
  struct stat status{};
  if (::stat(destination.path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) return cannot_write(file, "it is a folder");
    if (!S_ISREG(status.st_mode)) return {};
  } else if (errno != ENOENT && errno != ENOTDIR) {
    return cannot_write(file, reason_of_system(errno));
  }
  const fs::path folder = folder_of_file(destination.path);
  const std::string where = ", folder '" + folder.string() + "'";
  if (::stat(folder.c_str(), &status) != 0) {
    return cannot_write(file, reason_of_system(errno) + where);
  }
  if (!S_ISDIR(status.st_mode)) return cannot_write(file, reason_of_system(ENOTDIR) + where);
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return cannot_write(file, reason_of_system(errno) + where);
  }
  return {};
}

struct KnownFile {
  const FileOfCall* file = nullptr;
  bool is_input = false;
  bool is_open = false;  // a descriptor, to which is added
};

tl::unexpected<Error> same_file(const FileOfCall& output, const KnownFile& other) {
  const std::string start = output.what + ": '" + output.path.string() + "' is ";
  if (other.is_input) return usage_error(start + other.file->what + ", which this call reads");
  if (other.is_open) return usage_error(start + "where " + other.file->what + " goes");
  return usage_error(other.file->what + " and " + output.what + " would both write '" +
                     output.path.string() + "'");
}

}  // namespace

Result<void> check_files(std::span<const FileOfCall> inputs, std::span<const FileOfCall> outputs) {
  std::map<Identity, KnownFile> known;
  const auto find = [&](const std::optional<Identity>& identity) -> const KnownFile* {
    const auto at = identity ? known.find(*identity) : known.end();
    return at == known.end() ? nullptr : &at->second;
  };
  for (const FileOfCall& input : inputs) {
    struct stat status{};
    if (::stat(input.path.c_str(), &status) != 0) continue;  // reading it will say so
    known.emplace(Identity{status.st_dev, status.st_ino, ""}, KnownFile{&input, true, false});
  }
  const FileOfCall standard[] = {{"standard output", "/dev/stdout"},
                                 {"standard error", "/dev/stderr"}};
  for (int i = 0; i < 2; ++i) {
    const auto identity = identity_of_descriptor(STDOUT_FILENO + i);
    if (!identity) continue;
    if (const KnownFile* other = find(identity); other != nullptr && other->is_input) {
      return same_file({standard[i].what, other->file->path}, *other);
    }
    known.emplace(*identity, KnownFile{&standard[i], false, true});
  }
  for (const FileOfCall& output : outputs) {
    TRY(const Destination destination, destination_of(output.path));
    TRY(check_can_write(output, destination));
    const auto identity = identity_of(destination);
    const bool is_open = destination.descriptor.has_value();
    const KnownFile* other = find(identity);
    if (other != nullptr && !(is_open && other->is_open)) return same_file(output, *other);
    if (identity) known.emplace(*identity, KnownFile{&output, false, is_open});
  }
  return {};
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  const auto one = destination_of(a);
  const auto other = destination_of(b);
  if (!one || !other) return false;
  const auto identity = identity_of(*one);
  return identity && identity == identity_of(*other);
}

}  // namespace graphrt
