#include "compiler/memory/conflicts.h"

#include <algorithm>
#include <utility>

#include "compiler/solve/packing/circle_overlaps.h"

namespace graphc {
namespace {

using Conflicts = IdVector<RequestId, std::vector<RequestId>>;

/// Adds the pairs of an end and a beginning behind it that are not ordered.
class UnorderedEnds {
 public:
  UnorderedEnds(const std::vector<Chain>& chains, const ReuseOrder& reuse, Conflicts& conflicts,
                int64_t max_pairs)
      : chains_(chains), reuse_(reuse), conflicts_(conflicts), num_pairs_left_(max_pairs) {
    ends_ = IdVector<LaneId, std::vector<End>>(reuse.num_lanes());
    for (size_t i = 0; i < chains.size(); ++i) {
      for (const ValueAccess& last : chains[i].ends.last) {
        ends_[last.position.lane].push_back(
            {last.position.index, reuse.place(last.task), RequestId(i)});
      }
    }
    for (std::vector<End>& ends : ends_) {
      std::sort(ends.begin(), ends.end(), [](const End& a, const End& b) {
        return std::pair(a.index, a.chain) < std::pair(b.index, b.chain);
      });
    }
  }

  /// False if there were too many.
  bool add() {
    for (size_t i = 0; i < chains_.size(); ++i) {
      for (const ValueAccess& first : chains_[i].ends.first) {
        if (!add(first, RequestId(i))) return false;
      }
    }
    return true;
  }

 private:
  struct End {
    int32_t index = 0;  ///< on its lane
    int64_t place = 0;  ///< in the list
    RequestId chain;
  };

  bool add(const ValueAccess& first, RequestId chain) {
    const HappensBefore& order = reuse_.enforced();
    for (const LaneId lane : ends_.ids()) {
      const std::vector<End>& ends = ends_[lane];
      for (int32_t intervals = 0; intervals <= order.horizon(); ++intervals) {
        const int32_t num_over = order.prefix(first.position, lane, intervals);
        auto end = std::lower_bound(ends.begin(), ends.end(), num_over,
                                    [](const End& a, int32_t index) { return a.index < index; });
        if (end == ends.end() && intervals > 0) break;  // all that is earlier is over, too
        for (; end != ends.end(); ++end) {
          const int64_t place = end->place - intervals * reuse_.num_places();
          if (place >= reuse_.place(first.task)) break;
          if (--num_pairs_left_ < 0) return false;
          if (end->chain == chain) continue;
          conflicts_[chain].push_back(end->chain);
          conflicts_[end->chain].push_back(chain);
        }
      }
    }
    return true;
  }

  const std::vector<Chain>& chains_;
  const ReuseOrder& reuse_;
  Conflicts& conflicts_;
  int64_t num_pairs_left_;
  IdVector<LaneId, std::vector<End>> ends_;
};

}  // namespace

std::optional<Conflicts> find_conflicts(const std::vector<Chain>& chains,
                                        const IdVector<RequestId, LiveInterval>& lives,
                                        const ReuseOrder& reuse, ReusePolicy policy,
                                        int64_t max_pairs) {
  auto conflicts = find_circle_overlaps(lives, reuse.num_places(), max_pairs);
  if (!conflicts) return std::nullopt;
  if (policy != ReusePolicy::kAsListed) {
    int64_t num_listed = 0;
    for (const auto& others : *conflicts) num_listed += static_cast<int64_t>(others.size());
    const int64_t num_left = max_pairs - num_listed / 2;
    if (!UnorderedEnds(chains, reuse, *conflicts, num_left).add()) return std::nullopt;
  }
  const LeastDistance distance = reuse.distances(policy);
  for (const RequestId a : conflicts->ids()) {
    std::vector<RequestId>& others = (*conflicts)[a];
    std::sort(others.begin(), others.end());
    others.erase(std::unique(others.begin(), others.end()), others.end());
    // Nothing but predicted times keeps any of them apart.
    if (policy != ReusePolicy::kAsTimed) continue;
    std::erase_if(others, [&](RequestId b) {
      return are_disjoint_in_time(chains[a.index()].ends, chains[b.index()].ends, distance);
    });
  }
  return conflicts;
}

}  // namespace graphc
