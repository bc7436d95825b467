#include "compiler/solve/packing/read_buffers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace graphc {
namespace {

std::vector<std::string_view> fields_of(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  std::vector<std::string_view> fields;
  while (true) {
    const size_t comma = line.find(',');
    fields.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return fields;
    line.remove_prefix(comma + 1);
  }
}

std::optional<int64_t> number_in(const std::vector<std::string_view>& fields, size_t column) {
  if (column >= fields.size()) return std::nullopt;
  const std::string_view field = fields[column];
  int64_t number = 0;
  const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (code != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return number;
}

/// Where lower, upper and size stand.
using Columns = std::array<size_t, 3>;

std::optional<Columns> columns_of(std::string_view headings) {
  const std::vector<std::string_view> names = fields_of(headings);
  Columns columns{};
  size_t i = 0;
  for (const std::string_view wanted : {"lower", "upper", "size"}) {
    const auto at = std::find(names.begin(), names.end(), wanted);
    if (at == names.end()) return std::nullopt;
    columns[i++] = static_cast<size_t>(at - names.begin());
  }
  return columns;
}

std::optional<IntervalRequest> request_in(std::string_view line, const Columns& columns) {
  const std::vector<std::string_view> fields = fields_of(line);
  const auto lower = number_in(fields, columns[0]);
  const auto upper = number_in(fields, columns[1]);
  const auto size = number_in(fields, columns[2]);
  if (!lower || !upper || !size) return std::nullopt;
  return IntervalRequest{*size, {*lower, *upper}};
}

}  // namespace

Result<IntervalProblem> parse_buffers(std::string_view text) {
  IntervalProblem problem;
  std::optional<Columns> columns;
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (number == 1) {
      columns = columns_of(line);
      if (columns) continue;
      return input_error("line 1: expected the headings id,lower,upper,size");
    }
    if (line.empty() || line == "\r") continue;
    const auto request = request_in(line, *columns);
    if (!request) {
      return input_error("line " + std::to_string(number) +
                         ": expected whole numbers under lower, " + "upper and size");
    }
    problem.requests.push_back(*request);
  }
  if (!columns) return input_error("there is nothing in it");
  if (!has_packable_sizes(problem)) {
    return input_error("sizes are negative or too large to be added");
  }
  return problem;
}

}  // namespace graphc
