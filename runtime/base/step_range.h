#pragma once

#include <cstdint>

namespace graphrt {

/// Steps first .. first + count - 1.
struct StepRange {
  int64_t first = 0;
  int64_t count = 0;
};

}  // namespace graphrt
