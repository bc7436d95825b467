#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/vocabulary.h"
#include "runtime/base/text.h"

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
/// Every text is printable(): a name or a line cannot drive the terminal. Of long lines, long
/// messages and many notes a part is shown.
std::string render(const Diagnostic& diagnostic);

/// Keeps the first diagnostics by place of any number, and counts the others. The memory it takes
/// does not grow with their number.
class FirstDiagnostics {
 public:
  /// Returns what was added, until the next call: notes for it may come too late to be kept.
  Diagnostic& add(Diagnostic diagnostic);

  const std::vector<Diagnostic>& kept() const { return kept_; }
  /// Keeps no more than kMaxShown, sorted by file, line and column; equal ones once.
  void sort();
  size_t num_left_out() const { return num_left_out_; }

  static constexpr size_t kMaxShown = 30;

 private:
  std::vector<Diagnostic> kept_;
  Diagnostic left_out_;
  bool is_full_ = false;  // kMaxShown are sorted at the front: what lies behind them is left out
  size_t num_left_out_ = 0;
};

/// Collects what is wrong with the user's input; the only output parameter in the compiler.
class DiagnosticSink {
 public:
  /// Returns the reported diagnostic, so that notes can be added. Valid until the next report.
  Diagnostic& error(const SourceRange& where, std::string message,
                    std::optional<std::string> hint = std::nullopt);
  Diagnostic& warning(const SourceRange& where, std::string message);

  size_t num_errors() const { return num_errors_; }
  /// For the hints of all errors together.
  NameSearchBudget& hint_budget() { return hint_budget_; }
  /// The first errors and the first warnings, rendered, by file, line and column; equal ones once.
  /// How many more there are is the last line.
  std::string render_all() const;
  /// The same, and forgets them.
  std::string take_all();

 private:
  FirstDiagnostics errors_;
  FirstDiagnostics warnings_;
  size_t num_errors_ = 0;
  NameSearchBudget hint_budget_{.num_comparisons = size_t{1} << 26};
};

/// The Error of a stage whose reasons are already in the sink; its message is empty.
tl::unexpected<Error> reported();

}  // namespace graphc
