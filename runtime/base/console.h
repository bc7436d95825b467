#pragma once

#include <optional>
#include <string_view>

namespace graphrt {

/// Where a program's words go: standard output and standard error. What cannot be said ends
/// nothing: no function here throws, and none but `deliver_reports` waits for a reader. What the
/// stream does not take at once is kept, and goes first when there is more to say.
///
/// Words go out as printable() shows them: what a file or a path has in it drives no terminal. Of a
/// word beyond 256 KiB, the middle is left out.
///
/// Threads: any, at any time.

/// Opens what is closed of descriptors 0 to 2, first thing: a file that got one of these numbers
/// would get the program's words. Reading and writing fail there, as they did. From then on a few
/// words can be said without memory.
void open_standard_descriptors();

/// To standard error, for whoever reads it; lost if it cannot be written.
void note(std::string_view text) noexcept;

/// To standard error, if that takes it at once: the next one is as good. May hold control sequences
/// of terminals.
void show_progress(std::string_view text) noexcept;

/// To standard output: what the program was called for. Whether it arrived, `deliver_reports` says.
void report(std::string_view text) noexcept;

/// The same for what was asked for on standard error.
void report_on_stderr(std::string_view text) noexcept;

/// Whether nobody reads standard output or standard error any more, as far as writing has shown.
bool is_pipe_broken() noexcept;

/// What was asked for and did not arrive.
struct LostReport {
  std::string_view stream;  ///< "standard output"
  int code = 0;             ///< the system's reason, as in errno
};

/// Waits until everything is written, or cannot be. Gives the first report that was lost.
std::optional<LostReport> deliver_reports() noexcept;

}  // namespace graphrt
