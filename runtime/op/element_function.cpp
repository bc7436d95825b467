#include "runtime/op/element_function.h"

#include <algorithm>
#include <array>

namespace graphrt {
namespace {

enum class Kind : uint8_t { kArithmetic, kZip, kPair, kMap, kScaled };
enum class Speed : uint8_t { kFast, kSlow };

struct FunctionRow {
  std::string_view name;
  Kind kind;
  Speed speed;
  std::array<std::string_view, 2> gradients;
};

/// By ElementFunction.
constexpr std::array kFunctions = {
#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, speed, gradient_0, gradient_1, docs) \
  FunctionRow{#name, Kind::k##kind, Speed::k##speed, {gradient_0, gradient_1}},
#include "runtime/op/element_functions.def"
};
static_assert(std::is_sorted(kFunctions.begin(), kFunctions.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

const FunctionRow& row_of(ElementFunction function) {
  return kFunctions[static_cast<size_t>(function)];
}

}  // namespace

std::string_view to_string(ElementFunction function) { return row_of(function).name; }

std::vector<std::string> element_function_names() {
  std::vector<std::string> names;
  for (const FunctionRow& row : kFunctions) names.emplace_back(row.name);
  return names;
}

std::optional<ElementFunction> find_element_function(std::string_view name) {
  const auto at = std::lower_bound(
      kFunctions.begin(), kFunctions.end(), name,
      [](const FunctionRow& row, std::string_view wanted) { return row.name < wanted; });
  if (at == kFunctions.end() || at->name != name) return std::nullopt;
  return static_cast<ElementFunction>(at - kFunctions.begin());
}

bool takes_pair(ElementFunction function) {
  switch (row_of(function).kind) {
    case Kind::kArithmetic:
    case Kind::kZip:
    case Kind::kPair:
      return true;
    case Kind::kMap:
    case Kind::kScaled:
      return false;
  }
  return false;
}

bool is_slow(ElementFunction function) { return row_of(function).speed == Speed::kSlow; }

bool is_linear(ElementFunction function) {
  const auto needs_no_value = [](std::string_view gradient) {
    return gradient.find_first_of("xy") == std::string_view::npos;
  };
  const auto& [first, second] = row_of(function).gradients;
  return !first.empty() && needs_no_value(first) && needs_no_value(second);
}

std::string_view gradient_formula(ElementFunction function, size_t index) {
  return row_of(function).gradients[index];
}

}  // namespace graphrt
