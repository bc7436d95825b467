#include "compiler/graph/tensor_literal.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr uint32_t kUsualNan = 0x7fc00000;

void append_bits(uint32_t bits, std::vector<std::byte>& bytes) {
  std::array<std::byte, sizeof bits> raw{};
  std::memcpy(raw.data(), &bits, sizeof bits);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

std::optional<uint32_t> parse_special(std::string_view text) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (text == "nan") return kUsualNan;
  if (text == "inf") return std::bit_cast<uint32_t>(kInfinity);
  if (text == "-inf") return std::bit_cast<uint32_t>(-kInfinity);
  if (!text.starts_with("nan(0x") || !text.ends_with(')')) return std::nullopt;
  const std::string_view digits = text.substr(6, text.size() - 7);
  uint32_t bits = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  const bool is_whole = code == std::errc() && end == digits.data() + digits.size();
  if (!is_whole || !std::isnan(std::bit_cast<float>(bits))) return std::nullopt;
  return bits;
}

/// How YAML writes what is no finite number.
bool is_yaml_special(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text == ".nan" || text == ".NaN" || text == ".inf" || text == ".Inf" || text == ".INF";
}

std::string plus_remark(std::string_view text) {
  return without_plus(text) == text ? "" : "; write it without the sign";
}

std::string print_element(uint32_t bits, ElementType element) {
  if (element == ElementType::kI32) return std::to_string(std::bit_cast<int32_t>(bits));
  const float value = std::bit_cast<float>(bits);
  std::array<char, 32> text{};
  if (std::isnan(value)) {
    if (bits == kUsualNan) return "nan";
    const auto end = std::to_chars(text.data(), text.data() + text.size(), bits, 16).ptr;
    return "nan(0x" + std::string(text.data(), end) + ")";
  }
  return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
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

std::optional<std::string> LiteralBudget::take(const TensorType& type) {
  const int64_t size_bytes = type.size_bytes();
  if (size_bytes <= kMaxLiteralBytes - taken_bytes_) {
    taken_bytes_ += size_bytes;
    return std::nullopt;
  }
  std::string reason = format_bytes(size_bytes) + " is too large to be written in a graph";
  if (size_bytes > kMaxLiteralBytes) return reason;
  return reason + " after " + format_bytes(taken_bytes_) + " of other numbers";
}

std::optional<std::string> append_element(std::string_view text, ElementType element,
                                          std::vector<std::byte>& bytes) {
  const std::string quoted = "'" + std::string(text) + "'";
  if (has_leading_zero(text)) {
    return quoted + " has a leading zero, which some read as octal";
  }
  if (element == ElementType::kI32) {
    int32_t value = 0;
    if (!parse_whole(text, value)) return quoted + " is no 32-bit integer" + plus_remark(text);
    append_bits(std::bit_cast<uint32_t>(value), bytes);
    return std::nullopt;
  }
  if (const std::optional<uint32_t> bits = parse_special(text)) {
    append_bits(*bits, bytes);
    return std::nullopt;
  }
  float value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value)) {
    return quoted + " is no 32-bit number" +
           (is_yaml_special(text) ? "; write nan, inf or -inf" : plus_remark(text));
  }
  append_bits(std::bit_cast<uint32_t>(value), bytes);
  return std::nullopt;
}

std::vector<std::byte> repeated(std::span<const std::byte> bytes, const TensorType& type) {
  std::vector<std::byte> all(static_cast<size_t>(type.size_bytes()));
  for (size_t at = 0; at < all.size(); at += bytes.size()) {
    std::memcpy(all.data() + at, bytes.data(), bytes.size());
  }
  return all;
}

std::string print_literal(const TensorType& type, std::span<const std::byte> bytes) {
  CHECK(static_cast<int64_t>(bytes.size()) == type.size_bytes(), to_string(type));
  return Printer(type, bytes).print();
}

}  // namespace graphc
