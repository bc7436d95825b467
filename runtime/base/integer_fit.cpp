#include "runtime/base/integer_fit.h"

#include <optional>
#include <utility>

#include "runtime/base/element.h"

namespace graphrt {
namespace {

/// Requires: the types of elements are integers or bool.
template <class To, class From>
std::optional<Unfit> fill_with_values(std::span<const From> from, std::span<To> to) {
  for (size_t i = 0; i < from.size(); ++i) {
    const int64_t value = widened(from[i]);
    to[i] = narrowed<To>(value);
    if (widened(to[i]) != value) return Unfit{static_cast<int64_t>(i), value};
  }
  return std::nullopt;
}

}  // namespace

bool may_hold_values_of(ElementType type, ElementType from) {
  return !is_float(type) && !is_float(from);
}

tl::expected<Tensor, Unfit> with_elements(const Tensor& tensor, ElementType element) {
  Tensor result = zeros({element, tensor.type.shape});
  const auto unfit = with_element_type(element, [&](auto to) {
    return with_element_type(tensor.type.element, [&](auto from) -> std::optional<Unfit> {
      using To = typename decltype(to)::Type;
      using From = typename decltype(from)::Type;
      if constexpr (kIsFloat<To> || kIsFloat<From>) {
        no_such_element(element);
      } else {
        return fill_with_values<To, From>(tensor.as<From>(), result.as<To>());
      }
    });
  });
  if (unfit) return tl::unexpected(*unfit);
  return result;
}

}  // namespace graphrt
