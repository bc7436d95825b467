#include "compiler/graph/unique_names.h"

#include <utility>

namespace graphc {

UniqueNames::UniqueNames(const Graph& graph, std::string separator)
    : separator_(std::move(separator)) {
  for (const Value& value : graph.values) taken_.insert(value.name);
}

std::string UniqueNames::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !taken_.insert(name).second; ++number) {
    name = wanted + separator_ + std::to_string(number);
  }
  return name;
}

std::string UniqueNames::unique_node(const std::string& wanted, const OpInfo& op) {
  const auto is_taken = [&](const std::string& name) {
    for (size_t i = 0; i < op.num_results(); ++i) {
      if (taken_.contains(result_name(op, name, i))) return true;
    }
    return false;
  };
  std::string name = wanted;
  for (int number = 2; is_taken(name); ++number) {
    name = wanted + separator_ + std::to_string(number);
  }
  for (size_t i = 0; i < op.num_results(); ++i) taken_.insert(result_name(op, name, i));
  return name;
}

}  // namespace graphc
