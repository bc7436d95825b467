#pragma once

#include <optional>
#include <string_view>
#include <vector>

/// Lines of text whose columns are separated by at least two spaces: names of copies contain single
/// ones.
namespace graphc {

/// A cut of one line: the text and the column it starts at, from 1 on.
struct Field {
  std::string_view text;
  int column = 1;
};

std::vector<Field> fields_of(std::string_view line);

/// A line up to its comment; nothing if that is empty.
std::optional<std::string_view> statement_of(std::string_view line);

}  // namespace graphc
