#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace graphrt {

enum class ElementType : uint8_t {
#define GRAPHC_ELEMENT_TYPE(Name, ...) k##Name,
#include "runtime/base/element_types.def"
};

/// Every one of them.
inline constexpr std::array kElementTypes = {
#define GRAPHC_ELEMENT_TYPE(Name, ...) ElementType::k##Name,
#include "runtime/base/element_types.def"
};

enum class ElementKind : uint8_t { kFloat, kInteger, kBool };

/// What is known of a type of elements wherever it is not computed with.
struct ElementProperties {
  std::string_view name;  ///< in graphs, plans and messages: "f32"
  int64_t size_bytes = 0;
  ElementKind kind = ElementKind::kFloat;
  std::string_view numpy;        ///< as numpy calls it: "float32"
  std::string_view npy;          ///< dtype in .npy files: "<f4"
  std::string_view safetensors;  ///< dtype in .safetensors files: "F32"
};
const ElementProperties& properties_of(ElementType element);

/// Bytes of one element.
int64_t size_bytes(ElementType element);
/// Whether an element may be a NaN, an infinity, or rounded.
bool is_float(ElementType element);
bool is_integer(ElementType element);
std::string_view to_string(ElementType element);

/// Ends the process: what is behind a switch over all element types is reached by none of them.
[[noreturn]] void no_such_element(ElementType element);

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

/// Half-open range of a tensor's first dimension; its bytes are contiguous.
struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const { return end - begin; }
  bool operator==(const RowRange&) const = default;
};

/// All rows where `rows` is absent; a scalar counts as one row.
RowRange rows_or_all(const TensorType& type, const std::optional<RowRange>& rows);
/// What two ranges have in common; empty, of size 0 or less, if nothing.
RowRange common_rows(const RowRange& a, const RowRange& b);
/// The type of these rows alone. Requires: they lie within the type, or are absent.
TensorType type_of_rows(const TensorType& type, const std::optional<RowRange>& rows);
/// Bytes before row `row`.
int64_t row_offset_bytes(const TensorType& type, int64_t row);

/// `f32[100, 64]`.
std::string to_string(const TensorType& type);
/// `[100, 64]`.
std::string to_string(const Shape& shape);

/// Largest tensor that a type may describe; keeps every size product far from overflow.
inline constexpr int64_t kMaxTensorBytes = int64_t{1} << 44;
/// Most dimensions of a type.
inline constexpr size_t kMaxRank = 32;

/// `0:8`, as in a slice.
std::string to_string(const RowRange& rows);

/// Reads `f32[100, 64]`.
/// Errors: unknown element type, a dimension that is not a positive integer, more than
///         kMaxTensorBytes, more than kMaxRank dimensions.
Result<TensorType> parse_tensor_type(std::string_view text);

/// Whether the dimensions are positive and within kMaxTensorBytes and kMaxRank.
bool is_valid(const TensorType& type);

}  // namespace graphrt
