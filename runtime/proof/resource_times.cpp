#include "runtime/proof/resource_times.h"

namespace graphrt {

int64_t ResourceTimes::take_all(std::span<const SharedResourceId> ids, const TaskCost& cost,
                                int64_t now_ns) {
  int64_t start_ns = now_ns;
  // One that lets the work begin later has the others asked again.
  size_t num_free = 0;
  for (size_t i = 0; num_free < ids.size(); i = i + 1 < ids.size() ? i + 1 : 0) {
    const int64_t duration_ns = cost.shared_ns[i];
    const int64_t earliest_ns =
        duration_ns == 0 ? start_ns
                         : ResourceTimes::earliest_ns(resources_[ids[i]], start_ns, duration_ns);
    num_free = earliest_ns == start_ns ? num_free + 1 : 1;
    start_ns = earliest_ns;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (cost.shared_ns[i] == 0) continue;
    take_one(resources_[ids[i]], now_ns, start_ns, cost.shared_ns[i]);
  }
  return start_ns;
}

int64_t ResourceTimes::earliest_ns(const Resource& resource, int64_t ready_ns,
                                   int64_t duration_ns) {
  for (const Gap& gap : resource.gaps) {
    const int64_t start_ns = std::max(ready_ns, gap.start_ns);
    if (later(start_ns, duration_ns) <= gap.end_ns) return start_ns;
  }
  return std::max(ready_ns, resource.free_ns);
}

void ResourceTimes::take_one(Resource& resource, int64_t now_ns, int64_t start_ns,
                             int64_t duration_ns) {
  std::vector<Gap>& gaps = resource.gaps;
  const int64_t end_ns = later(start_ns, duration_ns);
  if (start_ns >= resource.free_ns) {
    const int64_t idle_ns = std::max(now_ns, resource.free_ns);
    if (start_ns > idle_ns) gaps.push_back({idle_ns, start_ns});
    resource.free_ns = end_ns;
  } else {
    const auto at = std::find_if(gaps.begin(), gaps.end(), [&](const Gap& gap) {
      return gap.start_ns <= start_ns && end_ns <= gap.end_ns;
    });
    const Gap before{at->start_ns, start_ns};
    at->start_ns = end_ns;
    if (before.start_ns < before.end_ns) gaps.insert(at, before);
  }
  if (gaps.empty()) return;
  std::erase_if(gaps, [&](const Gap& gap) { return gap.end_ns <= now_ns; });
}

}  // namespace graphrt
