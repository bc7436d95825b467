#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace graphrun {

/// A table of comma-separated values that grows while a run goes on: a header, then whole lines, in
/// the order of the steps that their first cell names.
class MetricsFile {
 public:
  /// A new table with these columns, in place of what is at `path`.
  /// Errors: the file cannot be written (kMachine).
  static graphrt::Result<MetricsFile> create(const std::filesystem::path& path,
                                             const std::vector<std::string>& columns);

  /// The table that is at `path`, up to the line of `last_step`: what a run wrote after its last
  /// checkpoint is removed. Without a file, a new table.
  /// Errors: a file with other columns, or that is not such a table; as create().
  static graphrt::Result<MetricsFile> continue_after(int64_t last_step,
                                                     const std::filesystem::path& path,
                                                     const std::vector<std::string>& columns);

  MetricsFile(MetricsFile&& other) noexcept;
  MetricsFile& operator=(MetricsFile&& other) noexcept;
  ~MetricsFile();

  /// Appends whole lines with one call of the system. Errors: kMachine.
  graphrt::Result<void> append(const std::string& lines);
  /// What was appended is on the disk. Errors: kMachine.
  graphrt::Result<void> sync();

 private:
  MetricsFile(std::filesystem::path path, int descriptor);
  static graphrt::Result<MetricsFile> open(const std::filesystem::path& path,
                                           const std::string& content);

  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace graphrun
