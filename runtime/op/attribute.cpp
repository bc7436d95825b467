#include "runtime/op/attribute.h"

#include <algorithm>

#include "runtime/base/tensor_type.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

bool name_before(const Attribute& attribute, std::string_view name) {
  return attribute.name < name;
}

}  // namespace

std::string_view to_string(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::kBool:
      return "true or false";
    case AttributeKind::kInt:
      return "an integer";
    case AttributeKind::kFloat:
      return "a number";
    case AttributeKind::kIntList:
      return "a list of integers";
    case AttributeKind::kText:
      return "a text";
  }
  return "";
}

std::string to_string(const AttributeValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const int64_t* integer = std::get_if<int64_t>(&value)) return std::to_string(*integer);
  if (const double* number = std::get_if<double>(&value)) {
    const std::string text = format_number(*number);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text);
  return to_string(std::get<std::vector<int64_t>>(value));
}

void Attributes::set(std::string name, AttributeValue value) {
  const auto at = std::lower_bound(items_.begin(), items_.end(), name, name_before);
  if (at != items_.end() && at->name == name) {
    at->value = std::move(value);
    return;
  }
  items_.insert(at, Attribute{std::move(name), std::move(value)});
}

void Attributes::erase(std::string_view name) {
  std::erase_if(items_, [&](const Attribute& attribute) { return attribute.name == name; });
}

const AttributeValue* Attributes::find(std::string_view name) const {
  const auto at = std::lower_bound(items_.begin(), items_.end(), name, name_before);
  return at != items_.end() && at->name == name ? &at->value : nullptr;
}

bool Attributes::flag(std::string_view name, bool otherwise) const {
  const AttributeValue* value = find(name);
  const bool* flag = value == nullptr ? nullptr : std::get_if<bool>(value);
  return flag == nullptr ? otherwise : *flag;
}

int64_t Attributes::integer(std::string_view name, int64_t otherwise) const {
  const AttributeValue* value = find(name);
  const int64_t* integer = value == nullptr ? nullptr : std::get_if<int64_t>(value);
  return integer == nullptr ? otherwise : *integer;
}

double Attributes::number(std::string_view name, double otherwise) const {
  const AttributeValue* value = find(name);
  if (value == nullptr) return otherwise;
  if (const double* number = std::get_if<double>(value)) return *number;
  if (const int64_t* integer = std::get_if<int64_t>(value)) return static_cast<double>(*integer);
  return otherwise;
}

std::vector<int64_t> Attributes::list(std::string_view name) const {
  const AttributeValue* value = find(name);
  const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<int64_t>>(value);
  return list == nullptr ? std::vector<int64_t>() : *list;
}

std::string_view Attributes::text(std::string_view name, std::string_view otherwise) const {
  const AttributeValue* value = find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? otherwise : std::string_view(*text);
}

}  // namespace graphrt
