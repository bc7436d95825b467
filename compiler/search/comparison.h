#pragma once

#include <limits>
#include <optional>
#include <utility>

#include "compiler/lower/search_report.h"
#include "compiler/search/score.h"
#include "compiler/solve/schedule/effort.h"

namespace graphc {

/// Where a comparison of ways to place and spread one graph stands.
struct Comparison {
  explicit Comparison(Effort effort, SearchReport whom_to_tell = {})
      : num_tasks_left(effort == Effort::kHigh ? std::numeric_limits<int64_t>::max()
                                               : kNormalTasks),
        report(std::move(whom_to_tell)) {}

  /// Tasks of all schedules that are searched for: three of a thousand, dozens of less than a hundred.
  static constexpr int64_t kNormalTasks = 3'000;

  /// Of another way, of those that fit; what cannot beat it is left out.
  std::optional<Score> best = std::nullopt;
  int64_t num_tasks_left;  ///< what comes first of each way is scheduled anyway
  SearchReport report;
  /// The way to spread the batch that is looked at; absent where there is one way alone.
  std::optional<SearchStatus> way = std::nullopt;
};

}  // namespace graphc
