#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Times beyond this stand still instead of overflowing.
inline constexpr int64_t kEndOfTimeNs = std::numeric_limits<int64_t>::max() / 2;

/// `duration_ns` after `time_ns`, or nearly so at the end of time.
inline int64_t later(int64_t time_ns, int64_t duration_ns) {
  return std::min(time_ns, kEndOfTimeNs) + std::min(duration_ns, kEndOfTimeNs);
}

/// When shared resources are free, as those who asked so far have left them. Who needs two of them
/// begins when both are free, which may leave a gap in the times of one, and others may fill it:
///
///   | taken |  gap  | taken |  gap | taken |  free from here on
///
/// Where nobody needs two there are no gaps, and all are served in turn.
class ResourceTimes {
 public:
  explicit ResourceTimes(size_t num_resources) : resources_(num_resources) {}

  /// Takes each of `ids` for its time in `cost` from the earliest time on at which all of them are
  /// free for that long, which is returned. Requires: it takes one; no later call asks with an
  /// earlier `now_ns`.
  int64_t take(std::span<const SharedResourceId> ids, const TaskCost& cost, int64_t now_ns) {
    if (ids.size() > 1 || !resources_[ids.front()].gaps.empty()) return take_all(ids, cost, now_ns);
    // Most lanes have one resource, and this is asked for every kernel of a GPU.
    int64_t& free_ns = resources_[ids.front()].free_ns;
    const int64_t start_ns = std::max(now_ns, free_ns);
    free_ns = later(start_ns, cost.shared_ns.front());
    return start_ns;
  }

 private:
  struct Gap {
    int64_t start_ns;
    int64_t end_ns;
  };
  struct Resource {
    std::vector<Gap> gaps;  ///< in order of time
    int64_t free_ns = 0;    ///< behind all that is taken
  };

  int64_t take_all(std::span<const SharedResourceId> ids, const TaskCost& cost, int64_t now_ns);
  static int64_t earliest_ns(const Resource& resource, int64_t ready_ns, int64_t duration_ns);
  static void take_one(Resource& resource, int64_t now_ns, int64_t start_ns, int64_t duration_ns);

  IdVector<SharedResourceId, Resource> resources_;
};

}  // namespace graphrt
