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

/// The first of `items`, and how many more there are: for messages, which nobody reads to the end.
std::string join_first(std::span<const std::string> items, std::string_view separator,
                       size_t max_items = 20);

/// Whether a number is written like 010, which some read as octal.
bool has_leading_zero(std::string_view number);
/// A number without a '+' in front of it.
std::string_view without_plus(std::string_view number);
/// What is wrong with a whole number on a command line; empty if nothing is. It is decimal: what
/// others read as octal or hexadecimal is refused.
std::string why_not_decimal(const std::string& number);

/// Whether `text` is a name a graph may use: a letter or '_', then letters, digits, '_' and '.'.
bool is_identifier(std::string_view text);

/// `'name'`: how a message shows a name.
std::string quoted_name(std::string_view name);

/// Whether a text can be a name, a path or a remark that files and messages hand on: one line of
/// UTF-8 that shows as it is stored. It has no control characters (C0, DEL, C1, line and paragraph
/// separators), none that turn the direction of what follows, no byte order mark and no
/// noncharacters. What this refuses, readers and writers of plans refuse.
bool is_plain_text(std::string_view text);

/// Where the first character of `text` starts that is not UTF-8; nothing if there is none.
std::optional<size_t> find_invalid_utf8(std::string_view text);

/// How many bytes at the start of `text` are shown as one: those of a character, or one byte that
/// belongs to none. 0 if it is empty.
size_t first_character_bytes(std::string_view text);

/// `text` as UTF-8 that cannot drive a terminal: what is_plain_text refuses is shown as a blank
/// (one of ASCII) or as U+FFFD, a byte that is no UTF-8 as '?'; line ends and tabs stay. As many
/// characters as before.
std::string printable(std::string_view text);
/// The same on one line: line ends and tabs are blanks, too.
std::string printable_line(std::string_view text);

/// Columns that a printable text takes on a terminal: two for a wide character, none for one that
/// combines with the one before. A tab counts as one.
size_t num_columns(std::string_view text);

/// A text of at most `max_bytes`: of a longer one the start and the end, with " ... " between.
std::string shortened(std::string_view text, size_t max_bytes);

/// `"text"`, with `"`, `\\` and line ends escaped by a backslash.
std::string in_quotes(std::string_view text);

/// What looking for near names may cost in all: letters read, or compared with letters. Somebody
/// who looks up many words takes the same budget for all of them; once it is used up, nothing is
/// near.
struct NameSearchBudget {
  size_t num_comparisons = size_t{1} << 24;

  bool is_used_up() const { return num_comparisons == 0; }
};

/// Nobody misspells a longer name: it was put together by a program.
inline constexpr size_t kMaxMisspeltBytes = 64;

/// The candidate with the least edit distance to `word`, if it is close enough to be a likely
/// misspelling (at most a third of the longer word, rounded up); the first of equals.
/// Cost: bounded by the budget, that of one search if none is given.
std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates,
                                        NameSearchBudget& budget);
std::optional<std::string> nearest_name(std::string_view word,
                                        std::span<const std::string> candidates);

/// `850 ns`, `12.3 us`, `4.56 ms`: three significant digits.
std::string format_duration(int64_t duration_ns);
/// `640 B`, `1.5 KiB`, `2 GiB`: binary units.
std::string format_bytes(int64_t num_bytes);
/// The shortest decimal that reads back as the same double; always the same text.
std::string format_number(double value);

}  // namespace graphrt
