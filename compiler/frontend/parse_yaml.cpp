#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <new>
#include <sstream>
#include <utility>

#include "compiler/diagnostics/check_utf8.h"
#include "compiler/frontend/yaml_reader.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

using File = std::shared_ptr<const SourceFile>;

// Nobody sees more of a range; without a limit, deep nesting on one line would take quadratic time.
constexpr size_t kMaxRangeBytes = 1024;

/// The lines of a file, to give every YAML node the range it covers on its first line.
class LineTable {
 public:
  explicit LineTable(File file) : file_(std::move(file)) {
    const std::string_view text = file_->text;
    begins_.push_back(0);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') begins_.push_back(i + 1);
    }
    for (const size_t begin : begins_) {
      ends_.push_back(std::min(text.find_first_of("\r\n", begin), text.size()));
    }
  }

  /// From `mark` on, as far as `text` reaches there (1 if it is not found).
  SourceRange range(const YAML::Mark& mark, std::string_view text) const {
    const std::string_view rest = rest_of_line(mark);
    const size_t length = rest.starts_with(text) ? text.size() : trim(rest).size();
    return at(mark, length);
  }

  /// A text in quotes, or a list or map in brackets, as far as it reaches on its first line.
  SourceRange enclosed_range(const YAML::Mark& mark) const {
    return at(mark, enclosed_length(rest_of_line(mark)));
  }

  SourceRange at(const YAML::Mark& mark, size_t length) const {
    // Marks count from 0, and from -1 where yaml-cpp has no place to give.
    return {file_, std::max(mark.line + 1, 1), std::max(mark.column + 1, 1),
            static_cast<int>(std::max<size_t>(length, 1))};
  }

  std::string_view rest_of_line(const YAML::Mark& mark) const {
    const std::string_view line = line_at(mark.line);
    const auto column = static_cast<size_t>(std::max(mark.column, 0));
    return column < line.size() ? line.substr(column) : std::string_view();
  }

  std::string_view line_at(int line) const {
    if (line < 0 || static_cast<size_t>(line) >= begins_.size()) return {};
    const auto index = static_cast<size_t>(line);
    return std::string_view(file_->text).substr(begins_[index], ends_[index] - begins_[index]);
  }

  /// Whether the quote that opens at `mark` is ever closed; yaml-cpp reads on to the end of file.
  bool is_closed(const YAML::Mark& mark) const {
    if (mark.line < 0 || static_cast<size_t>(mark.line) >= begins_.size()) return true;
    const size_t begin = begins_[static_cast<size_t>(mark.line)] + static_cast<size_t>(mark.column);
    if (begin >= file_->text.size()) return true;
    const char quote = file_->text[begin];
    if (quote != '"' && quote != '\'') return true;
    return end_of_quote(std::string_view(file_->text).substr(begin)) != std::string_view::npos;
  }

 private:
  static size_t end_of_quote(std::string_view text) {
    for (size_t i = 1; i < text.size(); ++i) {
      if (text[0] == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == text[0]) {
        return i + 1;
      }
    }
    return std::string_view::npos;
  }

  static size_t enclosed_length(std::string_view text) {
    if (text.empty()) return 1;
    text = text.substr(0, kMaxRangeBytes);
    size_t depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '"' || c == '\'') {
        const size_t length = end_of_quote(text.substr(i));
        if (length == std::string_view::npos) return text.size();
        i += length - 1;
      }
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      if (depth == 0) return i + 1;
    }
    return trim(text).size();
  }

  File file_;
  std::vector<size_t> begins_;
  std::vector<size_t> ends_;  // without what ends the line: a list of many items may be one line
};

/// Builds the tree from yaml-cpp's events, and refuses what a graph or machine file does not need.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(const LineTable& lines, DiagnosticSink& diagnostics)
      : lines_(lines), diagnostics_(diagnostics) {}

  YamlNode take_root() { return std::move(root_); }
  bool has_root() const { return has_root_; }
  bool has_refused() const { return has_refused_; }
  /// Lists and maps that are open, and the place of the last.
  size_t depth() const { return open_.size(); }
  SourceRange innermost() const { return open_.empty() ? root_.where : open_.back().where; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (has_root_) refuse(lines_.at(mark, 3), "a file holds one document; this starts another one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    add({YamlKind::kNull, lines_.at(mark, 1), "", false, {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(lines_.at(mark, 1), "aliases are not supported; write the value again");
    add({YamlKind::kNull, lines_.at(mark, 1), "", false, {}, {}});
  }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override {
    refuse(lines_.at(mark, 1), "anchors are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_properties(mark, tag, anchor);
    const bool is_quoted = tag == "!";
    if (is_quoted && !lines_.is_closed(mark)) {
      refuse(lines_.at(mark, 1), "this quote is never closed");
    }
    SourceRange where = is_quoted ? lines_.enclosed_range(mark) : lines_.range(mark, value);
    add({YamlKind::kScalar, std::move(where), value, is_quoted, {}, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_properties(mark, tag, anchor);
    open_.push_back({YamlKind::kSequence, lines_.enclosed_range(mark), "", false, {}, {}});
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_properties(mark, tag, anchor);
    open_.push_back({YamlKind::kMap, lines_.enclosed_range(mark), "", false, {}, {}});
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override {
    YamlNode& map = open_.back();
    drop_bad_keys(map);
    const bool is_block = map.where.length == 1 && !map.keys.empty();
    if (is_block) map.where = map.keys.front().where;
    close();
  }

 private:
  void refuse(const SourceRange& where, std::string message) {
    has_refused_ = true;
    diagnostics_.error(where, std::move(message));
  }

  void check_properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) refuse(lines_.at(mark, 1), "anchors are not supported");
    if (tag.size() > 1) refuse(lines_.at(mark, 1), "tags are not supported");
  }

  void add(YamlNode node) {
    if (open_.empty()) {
      if (!has_root_) root_ = std::move(node);
      has_root_ = true;
      return;
    }
    YamlNode& parent = open_.back();
    const bool is_key = parent.kind == YamlKind::kMap && parent.keys.size() == parent.items.size();
    (is_key ? parent.keys : parent.items).push_back(std::move(node));
  }

  void close() {
    YamlNode node = std::move(open_.back());
    open_.pop_back();
    add(std::move(node));
  }

  // A key that is there twice would win or lose by the reader's whim; only the first is kept.
  void drop_bad_keys(YamlNode& map) {
    map.items.resize(map.keys.size());
    std::map<std::string, SourceRange> first;
    std::vector<YamlNode> keys;
    std::vector<YamlNode> items;
    for (size_t i = 0; i < map.keys.size(); ++i) {
      YamlNode& key = map.keys[i];
      if (key.kind != YamlKind::kScalar) {
        diagnostics_.error(key.where, "a key is a name");
        continue;
      }
      const auto [at, is_new] = first.emplace(key.text, key.where);
      if (!is_new) {
        diagnostics_.error(key.where, "'" + key.text + "' is there twice")
            .notes.push_back({Severity::kNote, at->second, "first here", std::nullopt, {}});
        continue;
      }
      keys.push_back(std::move(key));
      items.push_back(std::move(map.items[i]));
    }
    map.keys = std::move(keys);
    map.items = std::move(items);
  }

  const LineTable& lines_;
  DiagnosticSink& diagnostics_;
  std::vector<YamlNode> open_;
  YamlNode root_;
  bool has_root_ = false;
  bool has_refused_ = false;
};

/// The unquoted tensor type on a line, `f32[100, 64]`; empty if there is none.
std::string unquoted_type(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '[' || i < 2 || !std::isdigit(static_cast<unsigned char>(line[i - 1]))) continue;
    size_t begin = i;
    while (begin > 0 && std::isalnum(static_cast<unsigned char>(line[begin - 1]))) --begin;
    if (!std::isalpha(static_cast<unsigned char>(line[begin]))) continue;
    if (begin > 0 && (line[begin - 1] == '"' || line[begin - 1] == '\'')) continue;
    const size_t end = line.find(']', i);
    if (end == std::string_view::npos) continue;
    return std::string(line.substr(begin, end + 1 - begin));
  }
  return "";
}

std::optional<std::string> hint_for(std::string_view line, const std::string& message) {
  const std::string type = unquoted_type(line);
  if (!type.empty()) return "quote the type: \"" + type + "\"";
  if (trim(line) != line && line.find('\t') < line.find_first_not_of(" \t")) {
    return "indent with blanks; YAML allows no tabs there";
  }
  if (message == "illegal map value") return "quote a text that contains ': '";
  return std::nullopt;
}

}  // namespace

Result<YamlNode> parse_yaml(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics) {
  if (!check_utf8(file, diagnostics)) return reported();
  const LineTable lines(file);
  TreeBuilder builder(lines, diagnostics);
  try {
    std::istringstream stream(file->text);
    YAML::Parser parser(stream);
    while (!builder.has_refused() && parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::DeepRecursion&) {
    diagnostics.error(builder.innermost(), "lists and maps are nested too deeply here, in " +
                                               std::to_string(builder.depth()) + " others");
    return reported();
  } catch (const YAML::Exception& failure) {
    diagnostics.error(lines.at(failure.mark, 1), "YAML syntax: " + failure.msg,
                      hint_for(lines.line_at(failure.mark.line), failure.msg));
    return reported();
  } catch (const std::bad_alloc&) {
    throw;  // no fault of the file
  } catch (const std::exception& failure) {
    diagnostics.error({file, 1, 1, 1}, std::string("cannot be read as YAML: ") + failure.what());
    return reported();
  }
  if (builder.has_refused()) return reported();
  YamlNode root = builder.take_root();
  if (root.kind == YamlKind::kMap) return root;
  const std::string found = builder.has_root() ? "" : "; it is empty";
  diagnostics.error({file, 1, 1, 1}, "the file must be a map of keys and values" + found);
  return reported();
}

}  // namespace graphc
