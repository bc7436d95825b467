#include "compiler/search/score.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace graphc {
namespace {

/// Latencies that differ by less are about equal.
constexpr double kMinLatencyGain = 0.01;

bool is_known(const Score& score) { return score.basis != ScoreBasis::kNotTried; }

bool is_shorter(const Score& score, const Score& before) {
  if (score.interval_ns != before.interval_ns) return score.interval_ns < before.interval_ns;
  return static_cast<double>(score.latency_ns) <
         static_cast<double>(before.latency_ns) * (1 - kMinLatencyGain);
}

/// The first of the shortest of those that count.
template <class Counts>
std::optional<size_t> shortest_of(const std::vector<std::optional<Score>>& scores, Counts counts) {
  std::optional<size_t> best;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i] || !is_known(*scores[i]) || !counts(*scores[i])) continue;
    if (!best || is_shorter(*scores[i], *scores[*best])) best = i;
  }
  return best;
}

}  // namespace

int64_t num_host_syncs(const PlacedGraph& placed, const Machine& machine) {
  IdVector<PlacedValueId, bool> is_of_kernel(placed.values.size(), false);
  for (const PlacedOp& op : placed.ops) {
    if (op.kind != PlacedOpKind::kNode || !machine.is_host(op.device)) continue;
    for (const PlacedValueId value : op.writes) is_of_kernel[value] = true;
    for (const PlacedOperand& read : op.reads) is_of_kernel[read.value] = true;
  }
  return std::count_if(placed.ops.begin(), placed.ops.end(), [&](const PlacedOp& op) {
    if (op.kind != PlacedOpKind::kCopy) return false;
    return (machine.is_host(op.device) && is_of_kernel[op.reads[0].value]) ||
           (machine.is_host(op.destination) && is_of_kernel[op.writes.front()]);
  });
}

std::optional<size_t> best_of(const std::vector<std::optional<Score>>& scores) {
  std::pair<int64_t, int64_t> least = {std::numeric_limits<int64_t>::max(), 0};
  for (const std::optional<Score>& score : scores) {
    if (score && is_known(*score))
      least = std::min(least, std::pair(score->excess_bytes, score->num_host_syncs));
  }
  const auto reference = shortest_of(scores, [&](const Score& score) {
    return std::pair(score.excess_bytes, score.num_host_syncs) == least;
  });
  if (!reference) return std::nullopt;
  return shortest_of(scores, [&](const Score& score) {
    const int64_t gain_ns = scores[*reference]->interval_ns - score.interval_ns;
    const int64_t syncs_ns = (score.num_host_syncs - least.second) * kHostSyncNs;
    return score.excess_bytes == least.first &&
           (gain_ns == 0 || syncs_ns == 0 || gain_ns > syncs_ns);
  });
}

}  // namespace graphc
