#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace graphrt {

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);

/// Whether `text` is a name a graph may use: a letter or '_', then letters, digits, '_' and '.'.
bool is_identifier(std::string_view text);

/// `'name'`: how a message shows a name.
std::string quoted_name(std::string_view name);

/// `"text"`, with `"`, `\\` and line ends escaped by a backslash.
std::string in_quotes(std::string_view text);

/// The candidate with the least edit distance to `word`, if it is close enough to be a likely
/// misspelling (at most a third of the longer word, rounded up); the first of equals.
std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates);

/// `850 ns`, `12.3 us`, `4.56 ms`: three significant digits.
std::string format_duration(int64_t duration_ns);
/// `640 B`, `1.5 KiB`, `2 GiB`: binary units.
std::string format_bytes(int64_t num_bytes);
/// The shortest decimal that reads back as the same double; always the same text.
std::string format_number(double value);

}  // namespace graphrt
