#include "runtime/base/f32_range.h"

#include <cmath>

namespace graphrt {

std::optional<std::string_view> find_misfit_of_f32(double number) {
  const auto rounded = static_cast<float>(number);
  if (!std::isfinite(rounded)) return "too large for f32";
  if (rounded == 0 && number != 0) return "too close to 0 for f32";
  return std::nullopt;
}

}  // namespace graphrt
