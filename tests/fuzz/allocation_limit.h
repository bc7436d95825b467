#pragma once

#include <cstddef>
#include <string_view>

namespace graphrt::fuzz {

/// What reading an input may have allocated at any moment: a fixed part and one that grows with the
/// input.
struct AllocationLimit {
  size_t fixed_bytes;
  size_t bytes_per_input_byte;

  size_t bytes_for(size_t input_bytes) const {
    return fixed_bytes + bytes_per_input_byte * input_bytes;
  }
};

/// Counts what is allocated from its construction on: under a sanitizer all, otherwise what `new`
/// hands out.
/// Threads: what all of them allocate counts; one meter at a time.
class AllocationMeter {
 public:
  AllocationMeter();

  /// Most bytes alive at a time so far, beyond those at the start.
  size_t peak_bytes() const;

  /// Ends the process with a message, for the fuzzer to keep the input, when the peak is beyond the
  /// limit for an input of this size. With GRAPHC_FUZZ_METER in the environment it also prints what
  /// was measured, a line a call, which is how the limits were found.
  void expect_within(const AllocationLimit& limit, size_t input_bytes, std::string_view what) const;
};

}  // namespace graphrt::fuzz
