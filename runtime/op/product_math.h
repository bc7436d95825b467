#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/op/attribute.h"

namespace graphrt {

/// How precisely a product may take its operands, by the attribute `math`. Sums are f32 in any
/// case, and so are operands and result in memory.
enum class ProductMath : uint8_t {
  kF32,
  kTf32,  ///< operands of 11 bits
  kBf16,  ///< operands of 8 bits
};

/// f32 without the attribute; nothing if it is none of `f32`, `tf32` and `bf16`.
constexpr std::optional<ProductMath> parse_product_math(std::string_view text) {
  if (text == "f32") return ProductMath::kF32;
  if (text == "tf32") return ProductMath::kTf32;
  if (text == "bf16") return ProductMath::kBf16;
  return std::nullopt;
}

/// Requires: the operator's type rule accepted the attributes.
inline ProductMath product_math(const Attributes& attributes) {
  return parse_product_math(attributes.text("math", "f32")).value_or(ProductMath::kF32);
}

}  // namespace graphrt
