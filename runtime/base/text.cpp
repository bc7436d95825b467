#include "runtime/base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <numeric>
#include <utility>

namespace graphrt {
namespace {

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replace = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replace, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

struct Utf8Character {
  char32_t code = 0;
  size_t num_bytes = 1;
  bool is_utf8 = false;
};

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Bytes of a character that starts with `first`, 0 if none does.
size_t announced_bytes(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/// Requires: not empty. What is not UTF-8 (cut off, overlong, a surrogate, above U+10FFFF) counts
/// as characters of one byte.
Utf8Character first_character(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const size_t num_bytes = announced_bytes(first);
  if (num_bytes == 1) return {first, 1, true};
  if (num_bytes == 0 || num_bytes > text.size()) return {};
  char32_t code = first & (0x7fU >> num_bytes);
  for (size_t i = 1; i < num_bytes; ++i) {
    if (!continues_character(text[i])) return {};
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[num_bytes] || is_surrogate || code > 0x10ffff) return {};
  return {code, num_bytes, true};
}

bool is_decimal_digit(char c) { return c >= '0' && c <= '9'; }

bool is_code_within(char32_t code, char32_t first, char32_t last) {
  return code >= first && code <= last;
}

bool is_shown_as_stored(char32_t code) {
  const bool is_control = code < 0x20 || is_code_within(code, 0x7f, 0x9f);
  const bool separates_lines = code == 0x2028 || code == 0x2029;
  const bool turns_direction = code == 0x61c || is_code_within(code, 0x200e, 0x200f) ||
                               is_code_within(code, 0x202a, 0x202e) ||
                               is_code_within(code, 0x2066, 0x2069);
  const bool is_mark = code == 0xfeff || is_code_within(code, 0xfff9, 0xfffb);
  const bool is_noncharacter = (code & 0xfffe) == 0xfffe || is_code_within(code, 0xfdd0, 0xfdef);
  return !is_control && !separates_lines && !turns_direction && !is_mark && !is_noncharacter;
}

/// Unicode's wide characters and those that combine, as far as texts of people have them.
size_t columns_of(char32_t code) {
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kCombining = {{{0x300, 0x36f},
                                                                        {0x1ab0, 0x1aff},
                                                                        {0x1dc0, 0x1dff},
                                                                        {0x200b, 0x200d},
                                                                        {0x20d0, 0x20ff},
                                                                        {0xfe00, 0xfe0f},
                                                                        {0xfe20, 0xfe2f},
                                                                        {0xe0100, 0xe01ef}}};
  constexpr std::array<std::pair<char32_t, char32_t>, 9> kWide = {{{0x1100, 0x115f},
                                                                   {0x2e80, 0x303e},
                                                                   {0x3041, 0xa4cf},
                                                                   {0xac00, 0xd7a3},
                                                                   {0xf900, 0xfaff},
                                                                   {0xfe30, 0xfe6f},
                                                                   {0xff00, 0xff60},
                                                                   {0x1f300, 0x1faff},
                                                                   {0x20000, 0x3fffd}}};
  const auto holds = [&](const auto& range) {
    return is_code_within(code, range.first, range.second);
  };
  if (std::any_of(kCombining.begin(), kCombining.end(), holds)) return 0;
  return std::any_of(kWide.begin(), kWide.end(), holds) ? 2 : 1;
}

/// `allowed` are the control characters that stay.
std::string shown_text(std::string_view text, std::string_view allowed) {
  std::string all;
  all.reserve(text.size());
  while (!text.empty()) {
    const Utf8Character first = first_character(text);
    const bool stays = first.is_utf8 && (is_shown_as_stored(first.code) ||
                                         allowed.find(text[0]) != std::string_view::npos);
    if (stays) {
      all += text.substr(0, first.num_bytes);
    } else {
      all += !first.is_utf8 ? "?" : first.num_bytes == 1 ? " " : "\xef\xbf\xbd";
    }
    text.remove_prefix(first.num_bytes);
  }
  return all;
}

std::string three_digits(double value, const char* unit) {
  std::array<char, 48> text{};
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f %s", decimals, value, unit);
  return text.data();
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string join_first(std::span<const std::string> items, std::string_view separator,
                       size_t max_items) {
  if (items.size() <= max_items) return join(items, separator);
  return join(items.first(max_items), separator) + std::string(separator) + "and " +
         std::to_string(items.size() - max_items) + " more";
}

bool has_leading_zero(std::string_view number) {
  if (number.starts_with('-') || number.starts_with('+')) number.remove_prefix(1);
  return number.size() > 1 && number[0] == '0' && is_decimal_digit(number[1]);
}

std::string_view without_plus(std::string_view number) {
  const bool has_plus =
      number.size() > 1 && number[0] == '+' && (is_decimal_digit(number[1]) || number[1] == '.');
  return has_plus ? number.substr(1) : number;
}

std::string why_not_decimal(const std::string& number) {
  if (has_leading_zero(number))
    return "'" + number + "' has a leading zero, which some read as octal";
  std::string_view digits = without_plus(number);
  if (digits.starts_with('-')) digits.remove_prefix(1);
  if (!digits.empty() && std::all_of(digits.begin(), digits.end(), is_decimal_digit)) return "";
  return "'" + number + "' is not a whole number in decimal digits";
}

bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

std::string quoted_name(std::string_view name) { return "'" + std::string(name) + "'"; }

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const Utf8Character first = first_character(text);
    if (!first.is_utf8 || !is_shown_as_stored(first.code)) return false;
    text.remove_prefix(first.num_bytes);
  }
  return true;
}

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const Utf8Character next = first_character(text.substr(at));
    if (!next.is_utf8) return at;
    at += next.num_bytes;
  }
  return std::nullopt;
}

size_t first_character_bytes(std::string_view text) {
  return text.empty() ? 0 : first_character(text).num_bytes;
}

std::string printable(std::string_view text) { return shown_text(text, "\n\t"); }
std::string printable_line(std::string_view text) { return shown_text(text, ""); }

size_t num_columns(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const Utf8Character first = first_character(text);
    count += columns_of(first.code);
    text.remove_prefix(first.num_bytes);
  }
  return count;
}

std::string shortened(std::string_view text, size_t max_bytes) {
  constexpr std::string_view kGap = " ... ";
  if (text.size() <= max_bytes) return std::string(text);
  size_t end = (max_bytes - kGap.size()) * 2 / 3;
  size_t begin = text.size() - (max_bytes - kGap.size() - end);
  while (end > 0 && continues_character(text[end])) --end;
  while (begin < text.size() && continues_character(text[begin])) ++begin;
  return std::string(text.substr(0, end)) + std::string(kGap) + std::string(text.substr(begin));
}

std::string in_quotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '\n') quoted += '\\';
    quoted += c == '\n' ? 'n' : c;
  }
  return quoted + "\"";
}

std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates,
                                        NameSearchBudget& budget) {
  if (word.size() > kMaxMisspeltBytes) return std::nullopt;
  const std::string* nearest = nullptr;
  size_t best = 0;
  for (const std::string& candidate : candidates) {
    const size_t limit = (std::max(word.size(), candidate.size()) + 2) / 3;
    const bool is_near =
        candidate.size() <= kMaxMisspeltBytes &&
        std::max(word.size(), candidate.size()) - limit <= std::min(word.size(), candidate.size());
    const size_t num_comparisons =
        1 + candidate.size() + (is_near ? word.size() * candidate.size() : 0);
    if (num_comparisons > budget.num_comparisons) {
      budget.num_comparisons = 0;
      return std::nullopt;
    }
    budget.num_comparisons -= num_comparisons;
    if (!is_near) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance > limit || (nearest != nullptr && distance >= best)) continue;
    nearest = &candidate;
    best = distance;
  }
  return nearest == nullptr ? std::nullopt : std::optional(*nearest);
}

std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates) {
  NameSearchBudget budget;
  return nearest_name(word, candidates, budget);
}

std::string format_duration(int64_t duration_ns) {
  const auto value = static_cast<double>(duration_ns);
  if (duration_ns < 1000) return std::to_string(duration_ns) + " ns";
  if (duration_ns < 1'000'000) return three_digits(value / 1e3, "us");
  if (duration_ns < 1'000'000'000) return three_digits(value / 1e6, "ms");
  return three_digits(value / 1e9, "s");
}

std::string format_bytes(int64_t num_bytes) {
  if (num_bytes < 1024) return std::to_string(num_bytes) + " B";
  constexpr std::array<const char*, 4> kUnits = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(num_bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return three_digits(value, kUnits[unit]);
}

std::string format_number(double value) {
  std::array<char, 32> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), code == std::errc() ? end : text.data());
}

}  // namespace graphrt
