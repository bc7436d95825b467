#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/base/tensor_type.h"
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

/// Whether a matmul on an accelerator goes through f32 in scratch memory. Libraries write results of
/// the operands' type, or f32; and where rows of 16 bits fit no vectors, they round a product before
/// they add a bias to it.
inline bool needs_wide_product(std::span<const TensorType> inputs, const TensorType& result) {
  if (result.element == ElementType::kF32) return false;
  if (result.element != inputs[0].element) return true;
  constexpr int64_t kVectorSize = 8;
  const auto fits = [](const TensorType& type) { return type.shape.back() % kVectorSize == 0; };
  const bool fit = fits(inputs[0]) && fits(inputs[1]) && fits(result);
  return inputs.size() > 2 && !fit;
}

/// Which operands of a matmul are added to the product.
struct ProductAddends {
  std::optional<size_t> bias;    ///< [N], to every row
  std::optional<size_t> matrix;  ///< of the result's shape
};

/// Requires: the type rule accepted the operands.
inline ProductAddends product_addends(std::span<const TensorType> inputs) {
  ProductAddends addends;
  for (size_t i = 2; i < inputs.size(); ++i) {
    (inputs[i].rank() == 1 ? addends.bias : addends.matrix) = i;
  }
  return addends;
}

}  // namespace graphrt
