#include "compiler/diagnostics/diagnostic.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace graphc {
namespace {

// Of a longer line only the part around the range is shown, so that a long list of numbers does
// not fill the screen.
constexpr size_t kMaxShownBytes = 160;
constexpr size_t kShownBeforeBytes = 60;

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "";
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// Names in a message may come from a file with escape sequences for the terminal.
std::string printable(std::string_view text) {
  std::string result(text);
  std::replace_if(result.begin(), result.end(), is_control, ' ');
  return result;
}

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Where the character that `at` lies in starts. A line need not be UTF-8: bytes that belong to no
/// character are cut anywhere.
size_t character_start(std::string_view line, size_t at) {
  constexpr size_t kLongestCharacter = 4;
  for (size_t back = 0; back < kLongestCharacter && back <= at; ++back) {
    if (!continues_character(line[at - back])) return at - back;
  }
  return at;
}

/// Finds lines by number, from the last one on where it can: messages about every line of a long
/// file would otherwise take quadratic time.
class LineFinder {
 public:
  std::string_view line_of(const SourceFile& file, int line) {
    if (&file != file_ || line < line_) {
      file_ = &file;
      line_ = 1;
      begin_ = 0;
    }
    for (; line_ < line; ++line_) {
      const size_t end = file.text.find('\n', begin_);
      if (end == std::string::npos) return {};
      begin_ = end + 1;
    }
    std::string_view text = std::string_view(file.text).substr(begin_);
    text = text.substr(0, text.find('\n'));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return text;
  }

 private:
  const SourceFile* file_ = nullptr;
  int line_ = 1;
  size_t begin_ = 0;  // of line_
};

// Blanks as wide as `text`: tabs stay tabs, and a character of several bytes takes one column.
std::string padding(std::string_view text) {
  std::string blanks;
  for (const char c : text) {
    if (!continues_character(c)) blanks += c == '\t' ? '\t' : ' ';
  }
  return blanks;
}

std::string underline(std::string_view marked) {
  const auto wide =
      std::count_if(marked.begin(), marked.end(), [](char c) { return !continues_character(c); });
  return "^" + std::string(static_cast<size_t>(std::max<std::ptrdiff_t>(wide, 1) - 1), '~');
}

std::string line_and_caret(const SourceRange& where, std::string_view line) {
  size_t begin = std::min(static_cast<size_t>(std::max(where.column, 1)) - 1, line.size());
  std::string before;
  std::string after;
  if (line.size() > kMaxShownBytes) {
    const size_t skipped =
        begin > kShownBeforeBytes ? character_start(line, begin - kShownBeforeBytes) : 0;
    if (skipped > 0) before = "...";
    line.remove_prefix(skipped);
    begin -= skipped;
    if (line.size() > kMaxShownBytes) {
      line = line.substr(0, character_start(line, kMaxShownBytes));
      after = "...";
    }
  }
  const auto length = static_cast<size_t>(std::max(where.length, 1));
  std::string shown(line);
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return is_control(c) && c != '\t'; }, ' ');
  return before + shown + after + "\n" + padding(before) + padding(line.substr(0, begin)) +
         underline(line.substr(begin, length)) + "\n";
}

std::string headline(const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  std::string text;
  if (where.file) text += printable(where.file->path) + ":";
  if (where.file && where.line > 0) {
    text += std::to_string(where.line) + ":" + std::to_string(where.column) + ":";
  }
  if (!text.empty()) text += " ";
  text += name_of(diagnostic.severity);
  return text + ": " + printable(diagnostic.message) + "\n";
}

auto place_of(const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  const std::string_view path = where.file ? std::string_view(where.file->path) : "";
  return std::tuple(path, where.line, where.column);
}

std::string render_with(LineFinder& lines, const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  std::string text = headline(diagnostic);
  if (where.file && where.line > 0) {
    text += line_and_caret(where, lines.line_of(*where.file, where.line));
  }
  if (diagnostic.hint) text += "  hint: " + printable(*diagnostic.hint) + "\n";
  for (const Diagnostic& note : diagnostic.notes) text += headline(note);
  return text;
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  LineFinder lines;
  return render_with(lines, diagnostic);
}

Diagnostic& DiagnosticSink::error(const SourceRange& where, std::string message,
                                  std::optional<std::string> hint) {
  ++num_errors_;
  diagnostics_.push_back({Severity::kError, where, std::move(message), std::move(hint), {}});
  return diagnostics_.back();
}

Diagnostic& DiagnosticSink::warning(const SourceRange& where, std::string message) {
  diagnostics_.push_back({Severity::kWarning, where, std::move(message), std::nullopt, {}});
  return diagnostics_.back();
}

std::string DiagnosticSink::take_all() {
  std::string all = render_all();
  diagnostics_.clear();
  return all;
}

std::string DiagnosticSink::render_all() const {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : diagnostics_) sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic* a, const Diagnostic* b) {
    return place_of(*a) < place_of(*b);
  });
  LineFinder lines;
  std::set<std::string> seen;
  std::string all;
  for (const Diagnostic* diagnostic : sorted) {
    const auto [text, is_new] = seen.insert(render_with(lines, *diagnostic));
    if (is_new) all += *text;
  }
  return all;
}

tl::unexpected<Error> reported() { return input_error(""); }

}  // namespace graphc
