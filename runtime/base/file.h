#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace graphrt {

/// The whole content of a regular file.
/// Errors: the path and the system's reason.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path);

/// The first `max_bytes` of a regular file, or all of it when it is shorter.
Result<std::vector<std::byte>> read_file_start(const std::filesystem::path& path, size_t max_bytes);

/// Size of a regular file in bytes.
Result<uint64_t> file_size_bytes(const std::filesystem::path& path);

/// Writes the parts, one after the other, under a temporary name beside `path` and renames: at any
/// time `path` holds either its old content or all of the new one, and nothing else is left behind
/// when writing fails.
/// Errors: the path and the system's reason (kMachine).
Result<void> write_file_atomically(const std::filesystem::path& path,
                                   std::initializer_list<std::span<const std::byte>> parts);
Result<void> write_file_atomically(const std::filesystem::path& path,
                                   std::span<const std::span<const std::byte>> parts);

/// The bytes of a text, for writing it.
inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace graphrt
