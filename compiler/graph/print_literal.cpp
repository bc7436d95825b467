#include "compiler/graph/print_literal.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "runtime/base/element.h"

namespace graphc {
namespace {

template <class T>
std::string print_float(T element) {
  const auto value = static_cast<float>(element);
  std::array<char, 32> text{};
  if (std::isnan(value)) {
    using Bits = std::conditional_t<sizeof(T) == sizeof(uint32_t), uint32_t, uint16_t>;
    const auto bits = std::bit_cast<Bits>(element);
    const auto usual = static_cast<T>(std::numeric_limits<float>::quiet_NaN());
    if (bits == std::bit_cast<Bits>(usual)) return "nan";
    const auto end = std::to_chars(text.data(), text.data() + text.size(), bits, 16).ptr;
    return "nan(0x" + std::string(text.data(), end) + ")";
  }
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

std::string print_element(const std::byte* bytes, ElementType type) {
  return graphrt::with_element_type(type, [&](auto tag) -> std::string {
    using T = typename decltype(tag)::Type;
    T element;
    std::memcpy(&element, bytes, sizeof element);
    if constexpr (graphrt::kIsFloat<T>) {
      return print_float(element);
    } else if constexpr (std::is_same_v<T, graphrt::Bool>) {
      return static_cast<bool>(element) ? "true" : "false";
    } else {
      return std::to_string(element);
    }
  });
}

class Printer {
 public:
  Printer(const TensorType& type, std::span<const std::byte> bytes)
      : type_(type),
        bytes_(bytes),
        element_bytes_(static_cast<size_t>(graphrt::size_bytes(type.element))) {}

  std::string print() {
    if (is_uniform()) return print_element(bytes_.data(), type_.element);
    print_dimension(0);
    return std::move(text_);
  }

 private:
  const std::byte* element_at(size_t index) const { return bytes_.data() + index * element_bytes_; }

  bool is_uniform() const {
    for (size_t i = 1; i < bytes_.size() / element_bytes_; ++i) {
      if (std::memcmp(element_at(i), bytes_.data(), element_bytes_) != 0) return false;
    }
    return true;
  }

  void print_dimension(size_t dimension) {
    if (dimension == type_.shape.size()) {
      text_ += print_element(element_at(next_++), type_.element);
      return;
    }
    text_ += '[';
    for (int64_t i = 0; i < type_.shape[dimension]; ++i) {
      if (i > 0) text_ += ", ";
      print_dimension(dimension + 1);
    }
    text_ += ']';
  }

  const TensorType& type_;
  std::span<const std::byte> bytes_;
  size_t element_bytes_;
  size_t next_ = 0;
  std::string text_;
};

}  // namespace

std::string print_literal(const TensorType& type, std::span<const std::byte> bytes) {
  CHECK(static_cast<int64_t>(bytes.size()) == type.size_bytes(), to_string(type));
  return Printer(type, bytes).print();
}

}  // namespace graphc
