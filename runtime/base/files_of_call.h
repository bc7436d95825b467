#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "runtime/base/result.h"

namespace graphrt {

/// A file that one call of a program reads or writes, and what it is to the user: an input is "the
/// feed of input 'x'", an output is the option, "--metrics".
struct FileOfCall {
  std::string what;
  std::filesystem::path path;
};

/// Whether all outputs can be written without replacing what the same call reads, or writes
/// elsewhere: files are the same if they are one on the disk, by whatever name. Standard output and
/// standard error are outputs, too, where they go to files. What is written to pipes and devices,
/// /dev/stdout included, replaces nothing. For before anything is written: an output that cannot
/// be written must not cost a training run.
/// Errors: two that are the same file (kUsage); an output that is a folder, or in a folder that is
///         not there or cannot be written to (kMachine).
Result<void> check_files(std::span<const FileOfCall> inputs, std::span<const FileOfCall> outputs);

/// Whether both lead to one file, or would once it is there.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace graphrt
