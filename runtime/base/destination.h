#pragma once

#include <filesystem>
#include <optional>

#include "runtime/base/file_descriptor.h"
#include "runtime/base/result.h"

namespace graphrt {

/// What a path of an output leads to in the end.
struct Destination {
  /// A descriptor that this process has open already, as with /dev/stdout or /dev/fd/5.
  std::optional<int> descriptor;
  /// Otherwise the file, which need not be there; it is no symbolic link.
  std::filesystem::path path;
};

/// Follows symbolic links, those that lead to nothing yet included.
/// Errors: a circle of links (kMachine).
Result<Destination> destination_of(const std::filesystem::path& path);

/// Whether what is written there is added to a stream: a pipe, a device, or a descriptor that is
/// open already. Anything else is a file that is replaced.
bool is_stream(const Destination& destination);

/// Opens a stream for writing. A pipe waits for its reader.
/// Errors: the system's reason is in errno, and the descriptor is not open.
FileDescriptor open_stream(const Destination& destination);

}  // namespace graphrt
