#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace graphrt {

/// Where in a list each name stands, for many look-ups; of equal names the first.
class NameIndex {
 public:
  template <class Range>
  explicit NameIndex(const Range& range) {
    size_t position = 0;
    for (const auto& item : range) positions_.emplace(item.name, position++);
  }

  std::optional<size_t> find(std::string_view name) const {
    const auto at = positions_.find(name);
    return at == positions_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  std::map<std::string, size_t, std::less<>> positions_;
};

}  // namespace graphrt
