#include "tools/graphprobe/host.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <thread>

namespace graphprobe {
namespace {

/// The integer that a file starts with; the largest one when there is no such file or number.
int64_t read_limit(const char* path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? value : std::numeric_limits<int64_t>::max();
}

/// Cores' worth of time that the control group allows; as many as there are without a quota.
int64_t quota_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  int64_t quota_us = 0;
  int64_t period_us = 0;
  const bool has_quota = file >> quota_us >> period_us && period_us > 0;
  return has_quota ? quota_us / period_us : std::numeric_limits<int64_t>::max();
}

}  // namespace

int32_t num_host_cores() {
  const int64_t usable = std::thread::hardware_concurrency();
  return static_cast<int32_t>(std::max<int64_t>(std::min(usable, quota_cores()), 1));
}

int64_t host_memory_bytes() {
  const int64_t physical = int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  return std::min({physical, read_limit("/sys/fs/cgroup/memory.max"),
                   read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

int64_t whole_gibibytes(int64_t num_bytes) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
  constexpr int64_t kGibibyte = int64_t{1} << 30;
  const int64_t unit = num_bytes >= kGibibyte ? kGibibyte : kMebibyte;
  return std::max(num_bytes / unit * unit, kMebibyte);
}

}  // namespace graphprobe
