#pragma once

#include <limits>

namespace graphrt {

inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInf = std::numeric_limits<float>::infinity();
inline constexpr float kLog2 = 0.693147181F;

}  // namespace graphrt
