#pragma once

#include <optional>
#include <string_view>

namespace graphrt {

/// Why kernels cannot compute with `number` as f32, in words that follow it: it is `too large for
/// f32`, or `too close to 0 for f32`, which would make it 0. Nothing if they can.
std::optional<std::string_view> find_misfit_of_f32(double number);

}  // namespace graphrt
