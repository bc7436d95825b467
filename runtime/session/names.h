#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace graphrt {

/// The error for a name that nobody has: "the plan has no output 'los'; did you mean 'loss'?", or
/// the names there are.
tl::unexpected<Error> unknown_name(std::string_view kind, std::string_view name,
                                   const std::vector<std::string>& known);

/// The element called `name`, or nullptr.
template <class Range>
auto find_named(Range& range, std::string_view name) -> decltype(&*range.begin()) {
  for (auto& item : range) {
    if (item.name == name) return &item;
  }
  return nullptr;
}

/// The names of all elements, in their order.
template <class Range>
std::vector<std::string> names_of(const Range& range) {
  std::vector<std::string> names;
  for (const auto& item : range) names.push_back(item.name);
  return names;
}

}  // namespace graphrt
