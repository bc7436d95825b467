#pragma once

#include <cstdint>

namespace graphrt {

/// Training in f16 gives up after so many steps in a row that left f16's range: its loss scale gets
/// a minus sign, and from then on no step changes anything.
inline constexpr int32_t kMaxSkipsInARow = 20;

/// Good steps in a row after which a loss scale grows, where nothing else is said.
inline constexpr int64_t kStepsBetweenGrowths = 2000;

}  // namespace graphrt
