#include "runtime/train/metrics_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "runtime/base/destination.h"
#include "runtime/base/file.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

/// A run on a full disk needs no more memory for its table.
constexpr size_t kMaxPendingBytes = size_t{64} << 20;

constexpr size_t kMaxShownBytes = 160;  // of a line, in messages

tl::unexpected<Error> cannot_write(const std::filesystem::path& path, int code) {
  return machine_error("cannot write '" + path.string() +
                       "': " + std::generic_category().message(code));
}

std::string header_of(const std::vector<std::string>& columns) { return join(columns, ",") + "\n"; }

/// The step that a line is of; negative if it is no line of such a table.
int64_t step_of(std::string_view line) {
  int64_t step = -1;
  const auto [stop, error] = std::from_chars(line.data(), line.data() + line.size(), step);
  const bool is_cell = error == std::errc() && stop != line.data() + line.size() && *stop == ',';
  return is_cell ? step : -1;
}

}  // namespace

Result<MetricsFile> MetricsFile::open(const std::filesystem::path& path,
                                      const std::string& content) {
  TRY(const Destination destination, destination_of(path));
  if (is_stream(destination)) {
    // Opened once: a reader of a pipe would take a second opening for the end of the first.
    MetricsFile file(path, open_stream(destination));
    if (!file.file_.is_open()) return cannot_write(path, errno);
    file.append(content);
    if (file.code_ != 0 && !file.has_lost_its_reader()) return cannot_write(path, file.code_);
    return file;
  }
  TRY(write_file_atomically(path, {bytes_of(content)}));
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  if (!file.is_open()) return cannot_write(path, errno);
  return MetricsFile(path, std::move(file));
}

Result<MetricsFile> MetricsFile::create(const std::filesystem::path& path,
                                        const std::vector<std::string>& columns) {
  return open(path, header_of(columns));
}

Result<MetricsFile> MetricsFile::continue_after(int64_t last_step,
                                                const std::filesystem::path& path,
                                                const std::vector<std::string>& columns) {
  TRY(const Destination destination, destination_of(path));
  TRY(const bool is_there, file_exists(path));
  if (!is_there || is_stream(destination)) return create(path, columns);
  TRY(const std::vector<std::byte> bytes, read_file(path));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::string kept = header_of(columns);
  if (!text.starts_with(kept)) {
    return input_error("--metrics " + path.string() + ": the file has other columns than " +
                       join(columns, ",") + "; remove it to start a new one");
  }
  for (size_t at = kept.size(); at < text.size();) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) break;  // the run was ended while it wrote this line
    const std::string_view line = text.substr(at, end + 1 - at);
    const int64_t step = step_of(line);
    if (step < 0) {
      return input_error("--metrics " + path.string() + ": a line does not start with a step: " +
                         shortened(line.substr(0, line.size() - 1), kMaxShownBytes));
    }
    if (step > last_step) break;
    kept += line;
    at = end + 1;
  }
  return open(path, kept);
}

void MetricsFile::append(const std::string& lines) {
  if (pending_.size() + lines.size() > kMaxPendingBytes) is_cut_off_ = true;
  if (is_cut_off_) return;
  pending_ += lines;
  const size_t num_written = write_bytes(file_.get(), bytes_of(pending_));
  code_ = num_written < pending_.size() ? errno : 0;
  pending_.erase(0, num_written);
}

void MetricsFile::sync() {
  // A pipe has nothing to bring to a disk.
  if (::fsync(file_.get()) != 0 && errno != EINVAL && errno != EROFS) sync_code_ = errno;
}

bool MetricsFile::has_lost_its_reader() const { return code_ == EPIPE; }

Result<void> MetricsFile::end() {
  append("");
  if (code_ != 0) return cannot_write(path_, code_);
  if (sync_code_ != 0) return cannot_write(path_, sync_code_);
  if (!file_.close()) return cannot_write(path_, errno);
  return {};
}

}  // namespace graphrt
