#pragma once

#include <filesystem>
#include <string>

#include "runtime/base/file_descriptor.h"

namespace graphrt {

/// A file that takes the place of another one when it is whole. Until then it has no name, so it is
/// gone with the process, however that ends; where the file system cannot do that, it has a name
/// beside its target, NAME.tmpPROCESS-NUMBER, and a lock for as long as its process lives.
class NewFile {
 public:
  enum class Naming { kAtTheEnd, kAtOnce };

  /// Errors: it is not open, and errno says why.
  NewFile(std::filesystem::path target, Naming naming);
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  /// Removes it, unless it has replaced its target.
  ~NewFile();

  int descriptor() const { return descriptor_.get(); }

  /// The content reaches the disk before the name does: after a power cut there is the old file or
  /// the whole new one. Errors: false, and errno says why.
  bool replace_target();

  /// Whether it failed because this file system gives no name to a file without one.
  bool lacks_name() const { return lacks_name_; }

 private:
  void open_named();
  bool take_name();

  std::filesystem::path target_;
  std::string name_;  // empty: none
  FileDescriptor descriptor_;
  bool lacks_name_ = false;
};

/// Removes the files that ended processes left beside `target` under names of NewFile. A file that
/// still is written has a lock, and stays.
void remove_stale_files(const std::filesystem::path& target);

}  // namespace graphrt
