#include "compiler/frontend/initial_number.h"

#include <cmath>

#include "runtime/base/element.h"
#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"

namespace graphc {

std::optional<std::string> find_bad_constant(double number, const std::string& text,
                                             ElementType element) {
  return graphrt::with_element_type(element, [&](auto tag) -> std::optional<std::string> {
    using T = typename decltype(tag)::Type;
    if constexpr (graphrt::kIsFloat<T>) {
      auto problem = find_bad_end(number, text);
      const auto stored = static_cast<float>(graphrt::narrowed<T>(number));
      if (problem || (std::isfinite(stored) && (stored != 0 || number == 0))) return problem;
      return text + " is too " + (stored == 0 ? "close to 0" : "large") + " for " +
             std::string(to_string(element));
    } else {
      const auto stored = static_cast<double>(graphrt::widened(graphrt::narrowed<T>(number)));
      if (stored == number) return std::nullopt;
      return "a state of " + std::string(to_string(element)) + " cannot start at " + text;
    }
  });
}

std::optional<std::string> find_bad_end(double number, const std::string& text) {
  const auto misfit = graphrt::find_misfit_of_f32(number);
  if (!misfit) return {};
  return text + " is " + std::string(*misfit);
}

std::optional<std::string> find_bad_ends(double low, double high) {
  if (static_cast<float>(low) < static_cast<float>(high)) return {};
  return "`high` must be above `low`" + std::string(low < high ? " as f32" : "") + "; got " +
         format_number(low) + " and " + format_number(high);
}

}  // namespace graphc
