#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/file_descriptor.h"
#include "runtime/base/result.h"

namespace graphrt {

/// A table of comma-separated values that grows while a run goes on: a header, then whole lines, in
/// the order of the steps that their first cell names.
class MetricsFile {
 public:
  /// A new table with these columns, in place of what is at `path`; or to the pipe or device there.
  /// Errors: the file cannot be written (kMachine).
  static Result<MetricsFile> create(const std::filesystem::path& path,
                                    const std::vector<std::string>& columns);

  /// The table that is at `path`, up to the line of `last_step`: what a run wrote after its last
  /// checkpoint is removed. Without a file, or to a pipe, a new table.
  /// Errors: a file with other columns, or that is not such a table; as create().
  static Result<MetricsFile> continue_after(int64_t last_step, const std::filesystem::path& path,
                                            const std::vector<std::string>& columns);

  /// Appends whole lines with one call of the system. What cannot be written is kept and goes first
  /// the next time: a table is no reason to end a run. When too much has come together, it ends
  /// there.
  void append(const std::string& lines);
  /// What was appended is on the disk, if it can be.
  void sync();
  /// Whether the table goes through a pipe that nobody reads any more.
  bool has_lost_its_reader() const;
  /// Errors: what was appended is not there (kMachine).
  Result<void> end();

 private:
  MetricsFile(std::filesystem::path path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  static Result<MetricsFile> open(const std::filesystem::path& path, const std::string& content);

  std::filesystem::path path_;
  FileDescriptor file_;
  std::string pending_;
  bool is_cut_off_ = false;
  int code_ = 0;  // why there is something pending, as in errno
  int sync_code_ = 0;
};

}  // namespace graphrt
