#include "compiler/memory/live_ranges.h"

#include <algorithm>
#include <tuple>

#include "compiler/solve/floor_div.h"

namespace graphc {
namespace {

/// Values that hold something before the first step or after the last.
IdVector<PlacedValueId, bool> find_lifelong(const PlacedGraph& placed) {
  IdVector<PlacedValueId, bool> is_lifelong(placed.values.size(), false);
  for (const PlacedValueId value : placed.values.ids()) {
    is_lifelong[value] = placed.is_filled_at_load(value);
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) is_lifelong[output->value] = true;
  }
  return is_lifelong;
}

/// Joins neighbours of one version that overlap or touch. Requires: sorted.
std::vector<LivePiece> join_pieces(const std::vector<LivePiece>& pieces) {
  std::vector<LivePiece> result;
  for (const LivePiece& piece : pieces) {
    const bool goes_on = !result.empty() && result.back().version == piece.version &&
                         piece.begin_ns <= result.back().end_ns;
    if (goes_on) {
      result.back().end_ns = std::max(result.back().end_ns, piece.end_ns);
      continue;
    }
    result.push_back(piece);
  }
  return result;
}

}  // namespace

IdVector<PlacedValueId, std::optional<LiveRange>> live_ranges(const Schedule& schedule) {
  const PlacedGraph& placed = schedule.tasks->placed;
  const int64_t interval_ns = schedule.solution.interval_ns;
  const auto is_lifelong = find_lifelong(placed);
  IdVector<PlacedValueId, std::optional<LiveRange>> ranges(placed.values.size());
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    const ScheduledTask& at = schedule.solution.tasks[task];
    const int64_t interval_start_ns = at.stage * interval_ns;
    const LiveRange run{interval_start_ns + at.start_ns, interval_start_ns + at.end_ns};
    for (const PlacedValueId value : written_values(placed.ops[schedule.tasks->tasks[task].op])) {
      if (is_lifelong[value]) continue;
      LiveRange& range = ranges[value] ? *ranges[value] : ranges[value].emplace(run);
      range.begin_ns = std::min(range.begin_ns, run.begin_ns);
      range.end_ns = std::max(range.end_ns, run.end_ns);
    }
  }
  for (const TaskId task : schedule.tasks->tasks.ids()) {
    const ScheduledTask& at = schedule.solution.tasks[task];
    for (const PlacedOperand& read : placed.ops[schedule.tasks->tasks[task].op].reads) {
      std::optional<LiveRange>& range = ranges[read.value];
      if (!range) continue;
      const int64_t end_ns = (at.stage + read.distance) * interval_ns + at.end_ns;
      range->end_ns = std::max(range->end_ns, end_ns);
    }
  }
  return ranges;
}

std::vector<LivePiece> live_pieces(const LiveRange& range, int64_t interval_ns, int32_t versions) {
  std::vector<LivePiece> pieces;
  // The steps s with begin + s * interval < interval and end + s * interval > 0.
  const int64_t first_step = floor_div(-range.end_ns, interval_ns) + 1;
  const int64_t last_step = floor_div(interval_ns - range.begin_ns - 1, interval_ns);
  for (int64_t step = first_step; step <= last_step; ++step) {
    const int64_t begin_ns = std::max<int64_t>(range.begin_ns + step * interval_ns, 0);
    const int64_t end_ns = std::min(range.end_ns + step * interval_ns, interval_ns);
    if (begin_ns >= end_ns) continue;
    const auto version = static_cast<int32_t>(step - floor_div(step, versions) * versions);
    pieces.push_back({version, begin_ns, end_ns});
  }
  std::sort(pieces.begin(), pieces.end(), [](const LivePiece& a, const LivePiece& b) {
    return std::tie(a.version, a.begin_ns, a.end_ns) < std::tie(b.version, b.begin_ns, b.end_ns);
  });
  return join_pieces(pieces);
}

}  // namespace graphc
