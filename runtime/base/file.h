#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/shared_bytes.h"

namespace graphrt {

/// The whole content of a regular file.
/// Errors: the path and the system's reason.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path);

/// The whole content of a regular file, mapped: read as it is looked at, and given back to the
/// system where memory is short.
/// Requires: nobody changes the file while the bytes are in use; who makes it shorter ends this
///           process.
/// Errors:   as read_file.
Result<SharedBytes> map_file(const std::filesystem::path& path);

/// The first `max_bytes` of a regular file, or all of it when it is shorter.
Result<std::vector<std::byte>> read_file_start(const std::filesystem::path& path, size_t max_bytes);

/// Whether there is anything at a path, followed to where links lead.
/// Errors: the path and the system's reason why that cannot be known: links that lead nowhere but
///         in a circle, a name that is too long, a folder that must not be entered.
Result<bool> file_exists(const std::filesystem::path& path);

/// Size of a regular file in bytes.
Result<uint64_t> file_size_bytes(const std::filesystem::path& path);

/// Writes the parts, one after the other, to a new file that then takes the place of `path`: at any
/// time `path` holds either its old content or all of the new one, and nothing else is left behind,
/// however the process ends. What is left by a process that ended at the wrong moment goes with the
/// next file that is written there. The mode of an old file is kept, and its owner where this user
/// may; behind symbolic links the file that they lead to is replaced.
///
/// A file of several names (hard links) gets the new content in place, so that they stay names of
/// one file: there, and only there, a crash in the middle can leave a mixture. Pipes, devices and
/// what is open already (/dev/stdout) are written to.
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
