#include "compiler/graph/print_literal.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string print_f32(uint32_t bits) {
  const float value = std::bit_cast<float>(bits);
  std::array<char, 32> text{};
  if (std::isnan(value)) {
    if (bits == kUsualNan) return "nan";
    const auto end = std::to_chars(text.data(), text.data() + text.size(), bits, 16).ptr;
    return "nan(0x" + std::string(text.data(), end) + ")";
  }
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
}

std::string print_element(uint32_t bits, ElementType element) {
  switch (element) {
    case ElementType::kF32:
      return print_f32(bits);
    case ElementType::kI32:
      return std::to_string(std::bit_cast<int32_t>(bits));
  }
  graphrt::no_such_element(element);
}

class Printer {
 public:
  Printer(const TensorType& type, std::span<const std::byte> bytes) : type_(type), bytes_(bytes) {}

  std::string print() {
    if (is_uniform()) return print_element(bits_at(0), type_.element);
    print_dimension(0);
    return std::move(text_);
  }

 private:
  uint32_t bits_at(size_t index) const {
    uint32_t bits = 0;
    std::memcpy(&bits, bytes_.data() + index * sizeof bits, sizeof bits);
    return bits;
  }

  bool is_uniform() const {
    for (size_t i = 1; i < bytes_.size() / sizeof(uint32_t); ++i) {
      if (bits_at(i) != bits_at(0)) return false;
    }
    return true;
  }

  void print_dimension(size_t dimension) {
    if (dimension == type_.shape.size()) {
      text_ += print_element(bits_at(next_++), type_.element);
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
  size_t next_ = 0;
  std::string text_;
};

}  // namespace

std::string print_literal(const TensorType& type, std::span<const std::byte> bytes) {
  CHECK(static_cast<int64_t>(bytes.size()) == type.size_bytes(), to_string(type));
  return Printer(type, bytes).print();
}

}  // namespace graphc
