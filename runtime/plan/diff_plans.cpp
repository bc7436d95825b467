#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/base/text.h"
#include "runtime/plan/print_plan.h"

namespace graphrt {
namespace {

using Lines = std::span<const std::string_view>;

/// Cells of the table below: 64 MiB. What differs in more lines is shown as replaced as a whole.
constexpr size_t kMaxCells = size_t{1} << 24;

void append(std::string& text, std::string_view mark, Lines lines) {
  for (const std::string_view line : lines) {
    text += mark;
    text += line;
    text += '\n';
  }
}

size_t common_prefix(Lines a, Lines b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

size_t common_suffix(Lines a, Lines b) {
  return static_cast<size_t>(std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first -
                             a.rbegin());
}

/// The least number of removed and added lines: what stays is a longest common subsequence.
std::string diff_lines(Lines before, Lines after) {
  std::string text;
  const size_t columns = after.size() + 1;
  if ((before.size() + 1) > kMaxCells / columns) {
    append(text, "- ", before);
    append(text, "+ ", after);
    return text;
  }
  // longest[i * columns + j]: of before from line i on and after from line j on
  std::vector<uint32_t> longest((before.size() + 1) * columns);
  const auto cell = [&](size_t i, size_t j) -> uint32_t& { return longest[i * columns + j]; };
  for (size_t i = before.size(); i-- > 0;) {
    for (size_t j = after.size(); j-- > 0;) {
      cell(i, j) =
          before[i] == after[j] ? cell(i + 1, j + 1) + 1 : std::max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  size_t i = 0;
  size_t j = 0;
  while (i < before.size() || j < after.size()) {
    if (i < before.size() && j < after.size() && before[i] == after[j]) {
      ++i;
      ++j;
      continue;
    }
    const bool removes =
        j == after.size() || (i < before.size() && cell(i + 1, j) >= cell(i, j + 1));
    removes ? append(text, "- ", before.subspan(i++, 1))
            : append(text, "+ ", after.subspan(j++, 1));
  }
  return text;
}

}  // namespace

std::string diff_plans(const Plan& before, const Plan& after) {
  const std::string text_before = print_plan(before);
  const std::string text_after = print_plan(after);
  const std::vector<std::string_view> lines_before = split(text_before, '\n');
  const std::vector<std::string_view> lines_after = split(text_after, '\n');
  Lines a = lines_before;
  Lines b = lines_after;
  const size_t prefix = common_prefix(a, b);
  a = a.subspan(prefix);
  b = b.subspan(prefix);
  const size_t suffix = common_suffix(a, b);
  return diff_lines(a.first(a.size() - suffix), b.first(b.size() - suffix));
}

}  // namespace graphrt
