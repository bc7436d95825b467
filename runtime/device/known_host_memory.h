#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/device/device.h"

namespace graphrt {

/// The host memory that an accelerator was made known of, see Device::adopt_host.
class KnownHostMemory {
 public:
  /// Requires: memory that stays where it is for as long as this is asked.
  void add(const std::byte* begin, int64_t size_bytes);

  bool contains(const std::byte* begin, int64_t size_bytes) const;

  /// Errors: an end of the copy that is the host's, all its versions together, is not within one
  ///         range that was added; the message says so of `device`.
  Result<void> check_ends(const CopyBinding& binding, const std::string& device) const;

 private:
  struct Range {
    const std::byte* begin;
    int64_t size_bytes;
  };

  std::vector<Range> ranges_;
};

}  // namespace graphrt
