#include "compiler/frontend/initial_number.h"

#include <cmath>
#include <cstdint>

#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"

namespace graphc {

std::optional<std::string> find_bad_constant(double number, const std::string& text,
                                             ElementType element) {
  switch (element) {
    case ElementType::kF32:
      return find_bad_end(number, text);
    case ElementType::kI32:
      if (std::trunc(number) == number && number >= INT32_MIN && number <= INT32_MAX) return {};
      return "an i32 state cannot start at " + text;
  }
  graphrt::no_such_element(element);
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
