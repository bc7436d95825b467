#pragma once

#include <filesystem>
#include <memory>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Largest text that is read; keeps a wrong argument (a data file, a device) from filling memory.
inline constexpr int64_t kMaxSourceBytes = int64_t{1} << 30;

/// The text of `path`, whose name in messages is `path` as given.
/// Errors: not there, a folder, not readable, larger than kMaxSourceBytes, not text (a zero byte).
Result<std::shared_ptr<const SourceFile>> read_source_file(const std::filesystem::path& path);

}  // namespace graphc
