#include "compiler/diagnostics/diagnostic.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace graphc {
namespace {

// Of a longer line only the part around the range is shown, so that a long list of numbers does
// not fill the screen.
constexpr size_t kMaxShownBytes = 160;
constexpr size_t kShownBeforeBytes = 60;
// Of a longer message, which quotes a long name, the start and the end are shown.
constexpr size_t kMaxMessageBytes = 1000;
constexpr size_t kMaxPathBytes = 4096;
constexpr size_t kMaxNotes = 8;

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

std::string shown_message(std::string_view text) {
  return printable_line(shortened(text, kMaxMessageBytes));
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

// Blanks as wide as `text`, which is printable; tabs stay tabs.
std::string padding(std::string_view text) {
  std::string blanks;
  while (!text.empty()) {
    const size_t num_bytes = first_character_bytes(text);
    const std::string_view character = text.substr(0, num_bytes);
    blanks += character == "\t" ? "\t" : std::string(num_columns(character), ' ');
    text.remove_prefix(num_bytes);
  }
  return blanks;
}

std::string underline(std::string_view marked) {
  return "^" + std::string(std::max<size_t>(num_columns(marked), 1) - 1, '~');
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
  if (begin < line.size()) begin = character_start(line, begin);
  const auto length = std::min(static_cast<size_t>(std::max(where.length, 1)), line.size() - begin);
  const std::string unmarked = printable(line.substr(0, begin));
  const std::string marked = printable(line.substr(begin, length));
  return before + unmarked + marked + printable(line.substr(begin + length)) + after + "\n" +
         padding(before + unmarked) + underline(marked) + "\n";
}

std::string headline(const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  std::string text;
  if (where.file) text += printable_line(shortened(where.file->path, kMaxPathBytes)) + ":";
  if (where.file && where.line > 0) {
    text += std::to_string(where.line) + ":" + std::to_string(where.column) + ":";
  }
  if (!text.empty()) text += " ";
  text += name_of(diagnostic.severity);
  return text + ": " + shown_message(diagnostic.message) + "\n";
}

auto place_of(const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  const std::string_view path = where.file ? std::string_view(where.file->path) : "";
  return std::tuple(path, where.line, where.column);
}

bool is_before(const Diagnostic& a, const Diagnostic& b) { return place_of(a) < place_of(b); }

bool says_the_same(const Diagnostic& a, const Diagnostic& b) {
  return a.message == b.message && place_of(a) == place_of(b);
}

std::string counted(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string render_with(LineFinder& lines, const Diagnostic& diagnostic) {
  const SourceRange& where = diagnostic.where;
  std::string text = headline(diagnostic);
  if (where.file && where.line > 0) {
    text += line_and_caret(where, lines.line_of(*where.file, where.line));
  }
  if (diagnostic.hint) text += "  hint: " + shown_message(*diagnostic.hint) + "\n";
  const size_t num_notes = diagnostic.notes.size();
  for (size_t i = 0; i < std::min(num_notes, kMaxNotes); ++i) text += headline(diagnostic.notes[i]);
  if (num_notes > kMaxNotes) text += "and " + counted(num_notes - kMaxNotes, "more note") + "\n";
  return text;
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  LineFinder lines;
  return render_with(lines, diagnostic);
}

Diagnostic& FirstDiagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.message.size() > kMaxMessageBytes) {
    diagnostic.message = shortened(diagnostic.message, kMaxMessageBytes);
  }
  if (is_full_ && !is_before(diagnostic, kept_[kMaxShown - 1])) {
    const bool is_known = std::any_of(kept_.begin(), kept_.end(), [&](const Diagnostic& other) {
      return says_the_same(diagnostic, other);
    });
    if (!is_known) ++num_left_out_;
    left_out_ = std::move(diagnostic);
    return left_out_;
  }
  if (kept_.size() >= 2 * kMaxShown) sort();
  kept_.push_back(std::move(diagnostic));
  return kept_.back();
}

void FirstDiagnostics::sort() {
  std::stable_sort(kept_.begin(), kept_.end(), is_before);
  std::vector<Diagnostic> different;
  for (Diagnostic& diagnostic : kept_) {
    const bool is_known =
        std::any_of(different.begin(), different.end(),
                    [&](const Diagnostic& other) { return says_the_same(diagnostic, other); });
    if (!is_known) different.push_back(std::move(diagnostic));
  }
  if (different.size() > kMaxShown) {
    num_left_out_ += different.size() - kMaxShown;
    different.resize(kMaxShown);
    is_full_ = true;
  }
  kept_ = std::move(different);
}

Diagnostic& DiagnosticSink::error(const SourceRange& where, std::string message,
                                  std::optional<std::string> hint) {
  ++num_errors_;
  return errors_.add({Severity::kError, where, std::move(message), std::move(hint), {}});
}

Diagnostic& DiagnosticSink::warning(const SourceRange& where, std::string message) {
  return warnings_.add({Severity::kWarning, where, std::move(message), std::nullopt, {}});
}

std::string DiagnosticSink::take_all() {
  std::string all = render_all();
  errors_ = {};
  warnings_ = {};
  return all;
}

std::string DiagnosticSink::render_all() const {
  FirstDiagnostics errors = errors_;
  FirstDiagnostics warnings = warnings_;
  errors.sort();
  warnings.sort();
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : errors.kept()) sorted.push_back(&diagnostic);
  for (const Diagnostic& diagnostic : warnings.kept()) sorted.push_back(&diagnostic);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Diagnostic* a, const Diagnostic* b) { return is_before(*a, *b); });
  LineFinder lines;
  std::string all;
  for (const Diagnostic* diagnostic : sorted) all += render_with(lines, *diagnostic);
  if (const size_t count = errors.num_left_out())
    all += "and " + counted(count, "more error") + "\n";
  if (const size_t count = warnings.num_left_out()) {
    all += "and " + counted(count, "more warning") + "\n";
  }
  return all;
}

tl::unexpected<Error> reported() { return input_error(""); }

}  // namespace graphc
