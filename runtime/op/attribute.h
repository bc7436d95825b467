#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace graphrt {

/// What an attribute can hold. A list is a list of integers (axes, offsets, a shape); a text is one
/// of the words that the operator's rule knows, or a formula.
using AttributeValue = std::variant<bool, int64_t, double, std::vector<int64_t>, std::string>;

/// The alternatives of AttributeValue, in its order.
enum class AttributeKind : uint8_t { kBool, kInt, kFloat, kIntList, kText };

inline AttributeKind kind_of(const AttributeValue& value) {
  return static_cast<AttributeKind>(value.index());
}
std::string_view to_string(AttributeKind kind);
/// `true`, `-1`, `0.5`, `[0, 1]`, `"tf32"`.
std::string to_string(const AttributeValue& value);

struct Attribute {
  std::string name;
  AttributeValue value;
  bool operator==(const Attribute&) const = default;
};

/// The attributes of one node, sorted by name. Only what was written is stored; what is absent has
/// the default that the operator's rule names at the place of use.
class Attributes {
 public:
  void set(std::string name, AttributeValue value);
  void erase(std::string_view name);
  const AttributeValue* find(std::string_view name) const;

  bool flag(std::string_view name, bool otherwise = false) const;
  int64_t integer(std::string_view name, int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  /// Empty when absent.
  std::vector<int64_t> list(std::string_view name) const;
  std::string_view text(std::string_view name, std::string_view otherwise) const;

  bool empty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  bool operator==(const Attributes&) const = default;

 private:
  std::vector<Attribute> items_;
};

}  // namespace graphrt
