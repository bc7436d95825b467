#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace graphrt {

enum class ElementType : uint8_t { kF32, kI32 };

/// Bytes of one element.
int64_t size_bytes(ElementType element);
std::string_view to_string(ElementType element);

/// Dimensions, outermost first; empty for a scalar.
using Shape = std::vector<int64_t>;

/// The static type of a value: element type and row-major shape. A scalar is `f32[]`.
struct TensorType {
  ElementType element = ElementType::kF32;
  Shape shape;

  int64_t num_elements() const;
  int64_t size_bytes() const;
  int rank() const { return static_cast<int>(shape.size()); }
  bool operator==(const TensorType&) const = default;
};

/// `f32[100, 64]`.
std::string to_string(const TensorType& type);
/// `[100, 64]`.
std::string to_string(const Shape& shape);

/// Largest tensor that a type may describe; keeps every size product far from overflow.
inline constexpr int64_t kMaxTensorBytes = int64_t{1} << 44;
/// Most dimensions of a type.
inline constexpr size_t kMaxRank = 32;

/// Reads `f32[100, 64]`.
/// Errors: unknown element type, a dimension that is not a positive integer, more than
///         kMaxTensorBytes, more than kMaxRank dimensions.
Result<TensorType> parse_tensor_type(std::string_view text);

/// Whether the dimensions are positive and within kMaxTensorBytes and kMaxRank.
bool is_valid(const TensorType& type);

}  // namespace graphrt
