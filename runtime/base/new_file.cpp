#include "runtime/base/new_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

namespace graphrt {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxNames = 100;
constexpr size_t kMaxNameBytes = 255;
constexpr std::string_view kMark = ".tmp";
/// The mark, two numbers of 32 bits and what is between them.
constexpr size_t kSuffixBytes = kMark.size() + 10 + 1 + 10;

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

/// What names beside `target` begin with; a name has a limit.
std::string name_start(const fs::path& target) {
  return target.filename().string().substr(0, kMaxNameBytes - kSuffixBytes) + std::string(kMark);
}

/// Two processes of one number, in two containers, shall not wait for each other's names.
std::string new_name(const fs::path& target) {
  uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) {
    number = static_cast<uint32_t>(std::clock());
  }
  const std::string name =
      name_start(target) + std::to_string(::getpid()) + "-" + std::to_string(number);
  return (folder_of(target) / name).string();
}

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return '0' <= c && c <= '9'; });
}

/// Whether a name is that of a new file beside the target whose names begin so.
bool is_new_name(std::string_view name, std::string_view start) {
  if (!name.starts_with(start)) return false;
  name.remove_prefix(start.size());
  const size_t dash = name.find('-');
  return dash != std::string_view::npos && is_number(name.substr(0, dash)) &&
         is_number(name.substr(dash + 1));
}

/// A file of this user that no process is writing.
void remove_if_stale(const fs::path& path) {
  const FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY));
  struct stat status{};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != ::geteuid()) return;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

}  // namespace

NewFile::NewFile(fs::path target, Naming naming) : target_(std::move(target)) {
  if (naming == Naming::kAtTheEnd) {
    const fs::path folder = folder_of(target_);
    descriptor_ = FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
    lacks_name_ = !descriptor_.is_open();
    if (descriptor_.is_open()) ::flock(descriptor_.get(), LOCK_EX | LOCK_NB);
    return;
  }
  open_named();
}

NewFile::~NewFile() {
  const int code = errno;
  if (!name_.empty()) ::unlink(name_.c_str());
  errno = code;
}

void NewFile::open_named() {
  for (int attempt = 0; attempt < kMaxNames; ++attempt) {
    std::string name = new_name(target_);
    FileDescriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (!file.is_open() && errno == EEXIST) continue;
    if (!file.is_open()) return;
    // Between the two calls another process may take it for a stale one, and remove it.
    ::flock(file.get(), LOCK_EX | LOCK_NB);
    struct stat status{};
    if (::fstat(file.get(), &status) != 0 || status.st_nlink == 0) continue;
    name_ = std::move(name);
    descriptor_ = std::move(file);
    return;
  }
}

/// A file without a name cannot replace another one, so it gets one for a moment.
bool NewFile::take_name() {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor_.get());
  for (int attempt = 0; attempt < kMaxNames; ++attempt) {
    std::string name = new_name(target_);
    if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      name_ = std::move(name);
      return true;
    }
    if (errno != EEXIST) break;
  }
  lacks_name_ = true;
  return false;
}

bool NewFile::replace_target() {
  if (::fsync(descriptor_.get()) != 0) return false;
  if (name_.empty() && !take_name()) return false;
  if (std::rename(name_.c_str(), target_.c_str()) != 0) return false;
  name_.clear();
  return true;
}

void remove_stale_files(const fs::path& target) {
  const std::string start = name_start(target);
  std::error_code code;
  for (fs::directory_iterator at(folder_of(target), code), end; !code && at != end;
       at.increment(code)) {
    if (is_new_name(at->path().filename().string(), start)) remove_if_stale(at->path());
  }
}

}  // namespace graphrt
