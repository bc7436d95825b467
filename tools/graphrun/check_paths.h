#pragma once

#include <filesystem>

#include "runtime/base/result.h"

namespace graphrun {

/// Whether a file can be written at `path`, as far as that can be known before the run: an output
/// that cannot be written must not cost a training run.
/// Errors: no such folder, not writable, or `path` is a folder (kMachine).
graphrt::Result<void> check_can_write(const std::filesystem::path& path);

}  // namespace graphrun
