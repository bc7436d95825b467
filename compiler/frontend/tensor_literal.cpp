#include "compiler/frontend/tensor_literal.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "compiler/graph/print_literal.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

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

std::optional<std::string> append_f32(std::string_view text, std::vector<std::byte>& bytes) {
  if (const std::optional<uint32_t> bits = parse_special(text)) {
    append_bits(*bits, bytes);
    return std::nullopt;
  }
  float value = 0;
  if (!parse_whole(text, value) || !std::isfinite(value)) {
    return "'" + std::string(text) + "' is no 32-bit number" +
           (is_yaml_special(text) ? "; write nan, inf or -inf" : plus_remark(text));
  }
  append_bits(std::bit_cast<uint32_t>(value), bytes);
  return std::nullopt;
}

std::optional<std::string> append_i32(std::string_view text, std::vector<std::byte>& bytes) {
  int32_t value = 0;
  if (!parse_whole(text, value)) {
    return "'" + std::string(text) + "' is no 32-bit integer" + plus_remark(text);
  }
  append_bits(std::bit_cast<uint32_t>(value), bytes);
  return std::nullopt;
}

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
  if (has_leading_zero(text)) {
    return "'" + std::string(text) + "' has a leading zero, which some read as octal";
  }
  switch (element) {
    case ElementType::kF32:
      return append_f32(text, bytes);
    case ElementType::kI32:
      return append_i32(text, bytes);
  }
  graphrt::no_such_element(element);
}

std::vector<std::byte> repeated(std::span<const std::byte> bytes, const TensorType& type) {
  std::vector<std::byte> all(static_cast<size_t>(type.size_bytes()));
  for (size_t at = 0; at < all.size(); at += bytes.size()) {
    std::memcpy(all.data() + at, bytes.data(), bytes.size());
  }
  return all;
}

}  // namespace graphc
