#pragma once

#include <cstddef>
#include <span>

namespace graphrt {

/// Where a kernel finds its operands, and where its results go. Owns nothing.
struct KernelArguments {
  std::span<const std::byte* const> inputs;
  std::span<std::byte* const> results;
  /// As many bytes as scratch_bytes() says, aligned like a buffer, with unspecified content.
  std::byte* scratch = nullptr;

  /// The first result.
  std::byte* result() const { return results[0]; }
};

}  // namespace graphrt
