#include "tools/graphrun/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "runtime/base/file.h"
#include "runtime/base/text.h"

namespace graphrun {
namespace {

using graphrt::Result;

tl::unexpected<graphrt::Error> cannot_write(const std::filesystem::path& path) {
  return graphrt::machine_error("cannot write '" + path.string() + "': " + std::strerror(errno));
}

std::string header_of(const std::vector<std::string>& columns) {
  return graphrt::join(columns, ",") + "\n";
}

/// The step that a line is of; negative if it is no line of such a table.
int64_t step_of(std::string_view line) {
  int64_t step = -1;
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  const bool is_cell = error == std::errc() && stop != line.data() + line.size() && *stop == ',';
  return is_cell ? step : -1;
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

MetricsFile::MetricsFile(MetricsFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

MetricsFile& MetricsFile::operator=(MetricsFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

MetricsFile::~MetricsFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path,
                                      const std::string& content) {
  TRY(graphrt::write_file_atomically(path, {graphrt::bytes_of(content)}));
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor < 0) return cannot_write(path);
  return MetricsFile(path, descriptor);
}

Result<MetricsFile> MetricsFile::create(const std::filesystem::path& path,
                                        const std::vector<std::string>& columns) {
  return open(path, header_of(columns));
}

Result<MetricsFile> MetricsFile::continue_after(int64_t last_step,
                                                const std::filesystem::path& path,
                                                const std::vector<std::string>& columns) {
  if (!std::filesystem::exists(path)) return create(path, columns);
  TRY(const std::vector<std::byte> bytes, graphrt::read_file(path));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string kept = header_of(columns);
  if (!text.starts_with(kept)) {
    return graphrt::input_error("--metrics " + path.string() +
                                ": the file has other columns than " + graphrt::join(columns, ",") +
                                "; remove it to start a new one");
  }
  for (size_t at = kept.size(); at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;  // the run was ended while it wrote this line
    const std::string_view line = text.substr(at, end + 1 - at);
    const int64_t step = step_of(line);
    if (step < 0) {
      return graphrt::input_error(
          "--metrics " + path.string() +
          ": a line does not start with a step: " + std::string(line.substr(0, line.size() - 1)));
    }
    if (step > last_step) break;
    kept += line;
    at = end + 1;
  }
  return open(path, kept);
}

Result<void> MetricsFile::append(const std::string& lines) {
  for (size_t at = 0; at < lines.size();) {
    const ssize_t count = ::write(descriptor_, lines.data() + at, lines.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_write(path_);
    at += static_cast<size_t>(count);
  }
  return {};
}

Result<void> MetricsFile::sync() {
  // A pipe has nothing to bring to a disk.
  if (::fsync(descriptor_) == 0 || errno == EINVAL) return {};
  return cannot_write(path_);
}

}  // namespace graphrun
