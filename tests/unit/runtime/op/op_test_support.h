#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/op/op_table.h"

namespace graphrt {

inline std::vector<TensorType> types(const std::vector<std::string_view>& texts) {
  std::vector<TensorType> result;
  for (const std::string_view text : texts) result.push_back(parse_tensor_type(text).value());
  return result;
}

inline Attributes with(std::vector<Attribute> items) {
  Attributes attributes;
  for (Attribute& item : items) attributes.set(std::move(item.name), std::move(item.value));
  return attributes;
}

using List = std::vector<int64_t>;

/// The result's type as text, or the message of the error.
inline std::string infer(std::string_view op, const std::vector<std::string_view>& inputs,
                         const Attributes& attributes = {}) {
  const auto result = infer_type(*find_op(op), types(inputs), attributes);
  return result ? to_string(*result) : result.error().message;
}

/// Which operand an error blames.
inline std::optional<size_t> blamed(std::string_view op,
                                    const std::vector<std::string_view>& inputs,
                                    const Attributes& attributes = {}) {
  return infer_type(*find_op(op), types(inputs), attributes).error().input;
}

/// Which attribute an error blames; empty if none.
inline std::string_view blamed_attribute(std::string_view op,
                                         const std::vector<std::string_view>& inputs,
                                         const Attributes& attributes) {
  return infer_type(*find_op(op), types(inputs), attributes).error().attribute;
}

}  // namespace graphrt
