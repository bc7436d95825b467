#include "compiler/frontend/source_file.h"

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/base/text.h"

namespace graphc {

Result<std::shared_ptr<const SourceFile>> read_source_file(const std::filesystem::path& path) {
  TRY(const uint64_t size_bytes, file_size_bytes(path));
  if (size_bytes > static_cast<uint64_t>(kMaxSourceBytes)) {
    return input_error(path.string() + ": not a graph or machine file: it has " +
                       format_bytes(static_cast<int64_t>(size_bytes)) + " (at most " +
                       format_bytes(kMaxSourceBytes) + " are read)");
  }
  TRY(const std::vector<std::byte> bytes, read_file(path));
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.find('\0') != std::string::npos) {
    return input_error(path.string() + ": not a text file");
  }
  // Some editors put a byte order mark in front; columns count from what is behind it.
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return std::make_shared<const SourceFile>(SourceFile{path.string(), std::move(text)});
}

}  // namespace graphc
