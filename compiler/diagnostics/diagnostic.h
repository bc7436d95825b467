#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/vocabulary.h"

namespace graphc {

/// A text a user wrote, kept for the line under a message.
struct SourceFile {
  std::string path;  ///< as the user gave it
  std::string text;
};

/// A place in a source file; lines and columns count from 1, columns in bytes. Without a file, the
/// thing has no place of its own (made by a pass).
struct SourceRange {
  std::shared_ptr<const SourceFile> file;
  int line = 0;
  int column = 0;
  int length = 1;
};

enum class Severity { kError, kWarning, kNote };

/// One message with its place. Notes point at the other places that take part.
struct Diagnostic {
  Severity severity = Severity::kError;
  SourceRange where;
  std::string message;
  std::optional<std::string> hint;
  std::vector<Diagnostic> notes;
};

/// `file:line:column: error: message`, the line, a caret under the range, then hint and notes.
/// Control characters that came in with a name or a line are shown as blanks.
std::string render(const Diagnostic& diagnostic);

/// Collects what is wrong with the user's input; the only output parameter in the compiler.
class DiagnosticSink {
 public:
  /// Returns the reported diagnostic, so that notes can be added. Valid until the next report.
  Diagnostic& error(const SourceRange& where, std::string message,
                    std::optional<std::string> hint = std::nullopt);
  Diagnostic& warning(const SourceRange& where, std::string message);

  size_t num_errors() const { return num_errors_; }
  const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  /// All of them, rendered, by file, line and column; equal ones once.
  std::string render_all() const;
  /// The same, and forgets them.
  std::string take_all();

 private:
  std::vector<Diagnostic> diagnostics_;
  size_t num_errors_ = 0;
};

/// The Error of a stage whose reasons are already in the sink; its message is empty.
tl::unexpected<Error> reported();

}  // namespace graphc
