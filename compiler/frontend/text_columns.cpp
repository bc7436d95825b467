#include "compiler/frontend/text_columns.h"

#include <algorithm>

#include "runtime/base/text.h"

namespace graphc {

std::vector<Field> fields_of(std::string_view line) {
  std::vector<Field> fields;
  size_t at = 0;
  while (at < line.size()) {
    while (at < line.size() && line[at] == ' ') ++at;
    const size_t end = std::min(line.find("  ", at), line.size());
    if (end > at) {
      fields.push_back({graphrt::trim(line.substr(at, end - at)), static_cast<int>(at) + 1});
    }
    at = end;
  }
  return fields;
}

std::optional<std::string_view> statement_of(std::string_view line) {
  const std::string_view statement = line.substr(0, line.find('#'));
  if (graphrt::trim(statement).empty()) return std::nullopt;
  return statement;
}

}  // namespace graphc
