#include "runtime/base/tensor_type.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/check.h"
#include "runtime/base/element.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

tl::unexpected<Error> type_error(std::string_view text, const std::string& reason) {
  return input_error("'" + std::string(text) + "' is not a tensor type: " + reason +
                     "; write for example f32[100, 64], or f32[] for a scalar");
}

}  // namespace

const ElementProperties& properties_of(ElementType element) {
  static constexpr std::array kProperties = {
#define GRAPHC_ELEMENT_TYPE(Name, Storage, text, Kind, numpy, npy, safetensors) \
  ElementProperties{text, sizeof(Storage), ElementKind::k##Kind, numpy, npy, safetensors},
#include "runtime/base/element_types.def"
  };
  const auto number = static_cast<size_t>(element);
  if (number >= kProperties.size()) no_such_element(element);
  return kProperties[number];
}

int64_t size_bytes(ElementType element) { return properties_of(element).size_bytes; }
bool is_float(ElementType element) { return properties_of(element).kind == ElementKind::kFloat; }
bool is_integer(ElementType element) {
  return properties_of(element).kind == ElementKind::kInteger;
}
std::string_view to_string(ElementType element) { return properties_of(element).name; }

void no_such_element(ElementType element) {
  check_failed(__FILE__, __LINE__, "a type of elements",
               std::to_string(static_cast<int>(element)) + " is none");
}

int64_t TensorType::num_elements() const {
  int64_t count = 1;
  for (const int64_t dimension : shape) count *= dimension;
  return count;
}

int64_t TensorType::size_bytes() const { return num_elements() * graphrt::size_bytes(element); }

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const int64_t dimension : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(dimension);
  }
  return text + "]";
}

std::string to_string(const RowRange& rows) {
  return std::to_string(rows.begin) + ":" + std::to_string(rows.end);
}

RowRange rows_or_all(const TensorType& type, const std::optional<RowRange>& rows) {
  if (rows) return *rows;
  return {0, type.shape.empty() ? 1 : type.shape[0]};
}

RowRange common_rows(const RowRange& a, const RowRange& b) {
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

TensorType type_of_rows(const TensorType& type, const std::optional<RowRange>& rows) {
  TensorType part = type;
  if (rows) part.shape[0] = rows->size();
  return part;
}

int64_t row_offset_bytes(const TensorType& type, int64_t row) {
  return row == 0 ? 0 : type.size_bytes() / type.shape[0] * row;
}

std::string to_string(const TensorType& type) {
  return std::string(to_string(type.element)) + to_string(type.shape);
}

bool is_valid(const TensorType& type) {
  if (type.shape.size() > kMaxRank) return false;
  int64_t remaining = kMaxTensorBytes / graphrt::size_bytes(type.element);
  for (const int64_t dimension : type.shape) {
    if (dimension <= 0 || dimension > remaining) return false;
    remaining /= dimension;
  }
  return true;
}

Result<TensorType> parse_tensor_type(std::string_view text) {
  const size_t open = text.find('[');
  if (open == std::string_view::npos || text.back() != ']') {
    return type_error(text, "it needs an element type and a shape in brackets");
  }
  const std::string_view name = trim(text.substr(0, open));
  const auto* element = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                     [&](ElementType known) { return to_string(known) == name; });
  if (element == kElementTypes.end()) {
    std::vector<std::string> names;
    for (const ElementType known : kElementTypes) names.emplace_back(to_string(known));
    return type_error(text, "the element types are " + join(names, ", "));
  }
  TensorType type;
  type.element = *element;
  const std::string_view inside = trim(text.substr(open + 1, text.size() - open - 2));
  if (inside.empty()) return type;
  for (const std::string_view part : split(inside, ',')) {
    const std::string_view digits = trim(part);
    int64_t dimension = 0;
    const auto [end, code] =
        std::from_chars(digits.data(), digits.data() + digits.size(), dimension);
    if (has_leading_zero(digits)) {
      return type_error(text, "some read '" + std::string(digits) + "' as octal");
    }
    if (code == std::errc::result_out_of_range) {
      return type_error(text, "every dimension is a positive integer of 64 bits");
    }
    if (code != std::errc() || end != digits.data() + digits.size() || dimension <= 0) {
      return type_error(text, "every dimension is a positive integer");
    }
    type.shape.push_back(dimension);
  }
  if (type.shape.size() > kMaxRank) return type_error(text, "it has more than 32 dimensions");
  if (!is_valid(type)) return type_error(text, "it is larger than 16 TiB");
  return type;
}

}  // namespace graphrt
