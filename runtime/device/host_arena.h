#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/result.h"

namespace graphrt {

/// Pages of the process with an unmapped page before and after: an access that leaves the arena
/// ends the process at once instead of changing a neighbour.
class HostArena {
 public:
  /// At least `size_bytes`, aligned to 4096, every byte 0xFF: read before it is written, that is a
  /// NaN or -1. All pages are present afterwards, so that a run takes no page faults.
  /// Errors: the system has no memory (kMachine).
  static Result<HostArena> create(int64_t size_bytes);

  HostArena(HostArena&& other) noexcept;
  HostArena& operator=(HostArena&& other) noexcept;
  ~HostArena();

  std::byte* data() const { return data_; }
  bool contains(const std::byte* begin, int64_t size_bytes) const;

 private:
  HostArena(std::byte* mapping, size_t mapping_bytes, int64_t size_bytes);
  void release();

  std::byte* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  std::byte* data_ = nullptr;
  int64_t size_bytes_ = 0;
};

/// Memory that this process can still get: what the system reports as available, and no more than
/// the limit of its control group.
int64_t available_host_bytes();

}  // namespace graphrt
