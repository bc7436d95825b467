#include "compiler/frontend/tensor_literal.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "runtime/base/element.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

template <class T>
void append_bits(T value, std::vector<std::byte>& bytes) {
  std::array<std::byte, sizeof value> raw{};
  std::memcpy(raw.data(), &value, sizeof value);
  bytes.insert(bytes.end(), raw.begin(), raw.end());
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

/// The bits of `nan(0x7fc00001)`, of as many digits as T has. Nothing if that is no NaN.
template <class T>
std::optional<T> parse_nan(std::string_view text) {
  if (!text.starts_with("nan(0x") || !text.ends_with(')')) return std::nullopt;
  const std::string_view digits = text.substr(6, text.size() - 7);
  using Bits = std::conditional_t<sizeof(T) == sizeof(uint32_t), uint32_t, uint16_t>;
  Bits bits = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits, 16);
  const bool is_whole = code == std::errc() && end == digits.data() + digits.size();
  const auto value = std::bit_cast<T>(bits);
  if (!is_whole || !std::isnan(static_cast<float>(value))) return std::nullopt;
  return value;
}

template <class T>
std::optional<T> parse_special(std::string_view text) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (text == "nan") return static_cast<T>(std::numeric_limits<float>::quiet_NaN());
  if (text == "inf") return static_cast<T>(kInfinity);
  if (text == "-inf") return static_cast<T>(-kInfinity);
  return parse_nan<T>(text);
}

/// How YAML writes what is no finite number.
bool is_yaml_special(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text == ".nan" || text == ".NaN" || text == ".inf" || text == ".Inf" || text == ".INF";
}

std::string plus_remark(std::string_view text) {
  return without_plus(text) == text ? "" : "; write it without the sign";
}

/// `a 32-bit number`, `an unsigned 8-bit integer`.
template <class T>
std::string kind_of_number() {
  const std::string bits = std::to_string(8 * sizeof(T)) + "-bit ";
  if constexpr (graphrt::kIsFloat<T>) return bits + "number";
  return (std::is_unsigned_v<T> ? "unsigned " : "") + bits + "integer";
}

template <class T>
std::optional<std::string> append_float(std::string_view text, std::vector<std::byte>& bytes) {
  if (const std::optional<T> value = parse_special<T>(text)) {
    append_bits(*value, bytes);
    return std::nullopt;
  }
  float value = 0;
  const bool is_number = parse_whole(text, value);
  const auto stored = static_cast<T>(value);
  if (!is_number || !std::isfinite(static_cast<float>(stored))) {
    return "'" + std::string(text) + "' is no " + kind_of_number<T>() +
           (is_yaml_special(text) ? "; write nan, inf or -inf" : plus_remark(text));
  }
  append_bits(stored, bytes);
  return std::nullopt;
}

template <class T>
std::optional<std::string> append_integer(std::string_view text, std::vector<std::byte>& bytes) {
  T value = 0;
  if (!parse_whole(text, value)) {
    return "'" + std::string(text) + "' is no " + kind_of_number<T>() + plus_remark(text);
  }
  append_bits(value, bytes);
  return std::nullopt;
}

std::optional<std::string> append_bool(std::string_view text, std::vector<std::byte>& bytes) {
  const bool is_true = text == "true" || text == "1";
  if (!is_true && text != "false" && text != "0") {
    return "'" + std::string(text) + "' is neither true nor false";
  }
  append_bits(graphrt::Bool(is_true), bytes);
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
  return graphrt::with_element_type(element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    if constexpr (graphrt::kIsFloat<T>) {
      return append_float<T>(text, bytes);
    } else if constexpr (std::is_same_v<T, graphrt::Bool>) {
      return append_bool(text, bytes);
    } else {
      return append_integer<T>(text, bytes);
    }
  });
}

std::vector<std::byte> repeated(std::span<const std::byte> bytes, const TensorType& type) {
  std::vector<std::byte> all(static_cast<size_t>(type.size_bytes()));
  for (size_t at = 0; at < all.size(); at += bytes.size()) {
    std::memcpy(all.data() + at, bytes.data(), bytes.size());
  }
  return all;
}

}  // namespace graphc
