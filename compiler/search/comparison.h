#pragma once

#include <limits>
#include <optional>

#include "compiler/search/score.h"
#include "compiler/solve/schedule/effort.h"

namespace graphc {

/// Where a comparison of ways to place and spread one graph stands.
struct Comparison {
  explicit Comparison(Effort effort)
      : num_tasks_left(effort == Effort::kHigh ? std::numeric_limits<int64_t>::max()
                                               : kNormalTasks) {}

  /// Tasks of all schedules that are searched for: three of ten thousand, dozens of less than a
  /// thousand.
  static constexpr int64_t kNormalTasks = 30'000;

  std::optional<Score>
      best;                ///< of another way, of those that fit; what cannot beat it is left out
  int64_t num_tasks_left;  ///< what comes first is scheduled anyway
};

}  // namespace graphc
