#include "runtime/op/kernel_signature.h"

#include <vector>

#include "runtime/base/text.h"

namespace graphrt {

std::string kernel_signature(std::string_view op, std::span<const TensorType> inputs,
                             const Attributes& attributes) {
  std::vector<std::string> types;
  for (const TensorType& input : inputs) types.push_back(to_string(input));
  std::vector<std::string> items;
  for (const Attribute& attribute : attributes) {
    if (kind_of(attribute.value) == AttributeKind::kFloat) continue;
    items.push_back(attribute.name + ": " + to_string(attribute.value));
  }
  const std::string text = std::string(op) + "(" + join(types, ", ") + ")";
  return items.empty() ? text : text + " {" + join(items, ", ") + "}";
}

}  // namespace graphrt
