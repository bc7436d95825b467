#include "compiler/frontend/yaml_reader.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string described(const YamlNode& node) {
  switch (node.kind) {
    case YamlKind::kNull:
      return "nothing";
    case YamlKind::kScalar:
      return (node.is_quoted ? "the text '" : "'") + node.text + "'";
    case YamlKind::kSequence:
      return "a list";
    case YamlKind::kMap:
      return "a map";
  }
  return "";
}

std::string_view described(YamlKind kind) {
  switch (kind) {
    case YamlKind::kNull:
      return "empty";
    case YamlKind::kScalar:
      return "a single value";
    case YamlKind::kSequence:
      return "a list";
    case YamlKind::kMap:
      return "a map";
  }
  return "";
}

void report_kind(const YamlNode& node, std::string_view what, std::string_view wanted,
                 DiagnosticSink& diagnostics, std::optional<std::string> hint = std::nullopt) {
  diagnostics.error(
      node.where,
      std::string(what) + " must be " + std::string(wanted) + "; got " + described(node),
      std::move(hint));
}

bool is_known(const std::string& key, const MapKeys& keys) {
  return std::find(keys.known.begin(), keys.known.end(), key) != keys.known.end();
}

bool is_plain(const YamlNode& node) { return node.kind == YamlKind::kScalar && !node.is_quoted; }

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  text = without_plus(text);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_finite(std::string_view text) {
  const std::optional<double> value = parse_whole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

bool is_out_of_range(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc::result_out_of_range && end == text.data() + text.size();
}

bool has_digits_only(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What people and other programs write for a number that is none here.
std::optional<std::string> hint_for_number(const YamlNode& node, bool is_whole) {
  if (node.kind != YamlKind::kScalar) return std::nullopt;
  std::string_view text = node.text;
  if (node.is_quoted) {
    return parse_finite(text) ? std::optional<std::string>("write it without the quotes")
                              : std::nullopt;
  }
  constexpr std::string_view kMinusSign = "\xe2\x88\x92";
  constexpr std::string_view kDash = "\xe2\x80\x93";
  if (text.starts_with(kMinusSign) || text.starts_with(kDash))
    return "the sign is not the '-' of a keyboard";
  constexpr size_t kFewDigits = 18;  // fit into 64 bits: something else is wrong
  if (has_digits_only(text) && text.size() <= kFewDigits) return std::nullopt;
  if (has_digits_only(text) || is_out_of_range(text)) return "it does not fit into 64 bits";
  if (is_whole && parse_finite(text)) return "write it without point and exponent";
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 2 && text[0] == '0' && std::isalpha(static_cast<unsigned char>(text[1])) != 0) {
    return "write it in decimal digits";
  }
  const bool starts_with_digit =
      !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0;
  if (starts_with_digit && text.find_first_of("_,' ") != std::string_view::npos) {
    return "write it without separators, and with a point before a fraction";
  }
  return std::nullopt;
}

bool is_ambiguous(const YamlNode& node, std::string_view what, DiagnosticSink& diagnostics) {
  if (!is_plain(node) || !has_leading_zero(node.text)) return false;
  diagnostics.error(node.where,
                    std::string(what) + " is '" + node.text + "', which some read as octal",
                    "write it without the leading zero");
  return true;
}

template <class T>
std::optional<T> read_whole(const YamlNode& node, std::string_view what, std::string_view wanted,
                            DiagnosticSink& diagnostics) {
  if (is_ambiguous(node, what, diagnostics)) return std::nullopt;
  const std::optional<T> value = is_plain(node) ? parse_whole<T>(node.text) : std::nullopt;
  if (!value) report_kind(node, what, wanted, diagnostics, hint_for_number(node, true));
  return value;
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

void check_keys(const YamlNode& map, const MapKeys& keys, DiagnosticSink& diagnostics) {
  for (const YamlNode& key : map.keys) {
    if (is_known(key.text, keys)) continue;
    const std::optional<std::string> nearest =
        nearest_name(key.text, keys.known, diagnostics.hint_budget());
    const std::string hint =
        nearest ? "did you mean '" + *nearest + "'?" : "the keys are " + join(keys.known, ", ");
    diagnostics.error(key.where, "unknown key '" + key.text + "' in " + std::string(keys.what),
                      hint);
  }
}

bool has_misspelled_key(const YamlNode& map, std::string_view key, const MapKeys& keys) {
  return std::any_of(map.keys.begin(), map.keys.end(), [&](const YamlNode& other) {
    return !is_known(other.text, keys) && nearest_name(other.text, keys.known) == key;
  });
}

bool expect_kind(const YamlNode& node, YamlKind kind, std::string_view what,
                 DiagnosticSink& diagnostics) {
  if (node.kind == kind) return true;
  report_kind(node, what, described(kind), diagnostics);
  return false;
}

const YamlNode* require_key(const YamlNode& map, std::string_view key, const MapKeys& keys,
                            const SourceRange& where, DiagnosticSink& diagnostics) {
  const YamlNode* value = map.find(key);
  if (value == nullptr && !has_misspelled_key(map, key, keys)) {
    diagnostics.error(where, std::string(keys.what) + " needs `" + std::string(key) + "`");
  }
  return value;
}

std::optional<std::string> read_text(const YamlNode& node, std::string_view what,
                                     DiagnosticSink& diagnostics) {
  if (node.kind == YamlKind::kScalar && !node.text.empty()) return node.text;
  report_kind(node, what, "a text", diagnostics);
  return std::nullopt;
}

std::optional<int64_t> read_integer(const YamlNode& node, std::string_view what,
                                    DiagnosticSink& diagnostics) {
  return read_whole<int64_t>(node, what, "an integer", diagnostics);
}

std::optional<uint64_t> read_seed(const YamlNode& node, std::string_view what,
                                  DiagnosticSink& diagnostics) {
  return read_whole<uint64_t>(node, what, "a non-negative integer", diagnostics);
}

std::optional<double> read_number(const YamlNode& node, std::string_view what,
                                  DiagnosticSink& diagnostics) {
  if (is_ambiguous(node, what, diagnostics)) return std::nullopt;
  const std::optional<double> value = is_plain(node) ? parse_finite(node.text) : std::nullopt;
  if (!value) {
    report_kind(node, what, "a finite number", diagnostics, hint_for_number(node, false));
  }
  return value;
}

std::optional<bool> read_flag(const YamlNode& node, std::string_view what,
                              DiagnosticSink& diagnostics) {
  if (is_plain(node) && node.text == "true") return true;
  if (is_plain(node) && node.text == "false") return false;
  report_kind(node, what, "true or false", diagnostics);
  return std::nullopt;
}

std::optional<AttributeValue> read_attribute(const YamlNode& node, std::string_view what,
                                             DiagnosticSink& diagnostics) {
  if (node.kind == YamlKind::kSequence) {
    std::vector<int64_t> list;
    for (const YamlNode& item : node.items) {
      const std::optional<int64_t> element =
          read_integer(item, "each element of " + std::string(what), diagnostics);
      if (!element) return std::nullopt;
      list.push_back(*element);
    }
    return list;
  }
  if (is_ambiguous(node, what, diagnostics)) return std::nullopt;
  if (is_plain(node)) {
    if (node.text == "true") return true;
    if (node.text == "false") return false;
    if (const auto integer = parse_whole<int64_t>(node.text)) return *integer;
    if (const auto number = parse_finite(node.text)) return *number;
  }
  report_kind(node, what, "true or false, a finite number, or a list of integers", diagnostics,
              hint_for_number(node, false));
  return std::nullopt;
}

}  // namespace graphc
