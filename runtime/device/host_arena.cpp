#include "runtime/device/host_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

size_t page_bytes() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

tl::unexpected<Error> no_memory(int64_t size_bytes) {
  return machine_error("cannot allocate " + format_bytes(size_bytes) +
                       " of host memory: " + std::strerror(errno));
}

/// The integer that a file starts with; the largest one when there is no such file or number.
int64_t read_limit(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? value : std::numeric_limits<int64_t>::max();
}

int64_t system_available_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  while (file >> key) {
    int64_t kibibytes = 0;
    if (key == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::numeric_limits<int64_t>::max();
}

}  // namespace

Result<HostArena> HostArena::create(int64_t size_bytes) {
  CHECK(size_bytes >= 0, std::to_string(size_bytes));
  const size_t page = page_bytes();
  const size_t usable =
      (std::max<size_t>(static_cast<size_t>(size_bytes), 1) + page - 1) / page * page;
  const size_t total = usable + 2 * page;
  void* mapping = ::mmap(nullptr, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return no_memory(size_bytes);
  HostArena arena(static_cast<std::byte*>(mapping), total, size_bytes);
  if (::mprotect(arena.data_, usable, PROT_READ | PROT_WRITE) != 0) return no_memory(size_bytes);
  std::memset(arena.data_, 0xFF, usable);
  return arena;
}

HostArena::HostArena(std::byte* mapping, size_t mapping_bytes, int64_t size_bytes)
    : mapping_(mapping),
      mapping_bytes_(mapping_bytes),
      data_(mapping + page_bytes()),
      size_bytes_(size_bytes) {}

HostArena::HostArena(HostArena&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)),
      mapping_bytes_(std::exchange(other.mapping_bytes_, 0)),
      data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

HostArena& HostArena::operator=(HostArena&& other) noexcept {
  if (this == &other) return *this;
  release();
  mapping_ = std::exchange(other.mapping_, nullptr);
  mapping_bytes_ = std::exchange(other.mapping_bytes_, 0);
  data_ = std::exchange(other.data_, nullptr);
  size_bytes_ = std::exchange(other.size_bytes_, 0);
  return *this;
}

HostArena::~HostArena() { release(); }

void HostArena::release() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapping_bytes_);
}

bool HostArena::contains(const std::byte* begin, int64_t size_bytes) const {
  // As integers: comparing pointers into different objects is not defined.
  const auto first = reinterpret_cast<uintptr_t>(data_);
  const auto at = reinterpret_cast<uintptr_t>(begin);
  if (size_bytes < 0 || size_bytes > size_bytes_ || at < first) return false;
  return at - first <= static_cast<uintptr_t>(size_bytes_ - size_bytes);
}

int64_t available_host_bytes() {
  return std::min({system_available_bytes(), read_limit("/sys/fs/cgroup/memory.max"),
                   read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

}  // namespace graphrt
