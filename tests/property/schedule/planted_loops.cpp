#include "tests/property/schedule/planted_loops.h"

#include <algorithm>
#include <random>
#include <set>

namespace graphc {
namespace {

constexpr int64_t kMeanTaskNs = 1000;
constexpr int kEdgesPerTask = 3;

class LoopMaker {
 public:
  explicit LoopMaker(const LoopShape& shape)
      : shape_(shape), random_(shape.seed), interval_ns_(shape.tasks_per_lane * kMeanTaskNs) {}

  PlantedLoop run() {
    for (int group = 0; group < shape_.num_groups; ++group) add_group();
    by_time_.assign(planted_.begin(), planted_.end());
    std::sort(by_time_.begin(), by_time_.end(),
              [](const Planted& a, const Planted& b) { return a.start_ns < b.start_ns; });
    for (const Planted& from : planted_) {
      for (int i = 0; i < kEdgesPerTask; ++i) add_edge(from);
    }
    shuffle_names();
    return {std::move(problem_), interval_ns_};
  }

 private:
  struct Planted {
    TaskId task;
    int64_t start_ns = 0;  ///< of step 0: the stage counts as so many intervals
    int64_t end_ns = 0;
  };

  int64_t below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }
  bool happens(double probability) {
    return static_cast<double>(below(1'000'000)) < probability * 1e6;
  }

  void add_group() {
    LaneGroup group;
    group.is_of_cores = shape_.lanes_per_group > 1;
    const GroupId id(problem_.groups.size());
    for (int i = 0; i < shape_.lanes_per_group; ++i) {
      group.lanes.emplace_back(problem_.num_lanes++);
      fill_lane(id);
    }
    problem_.groups.push_back(group);
  }

  /// Cuts the interval at random into tasks, the last of which may reach over its end.
  void fill_lane(GroupId group) {
    std::set<int64_t> cuts;
    while (static_cast<int>(cuts.size()) < shape_.tasks_per_lane) cuts.insert(below(interval_ns_));
    const std::vector<int64_t> starts(cuts.begin(), cuts.end());
    for (size_t i = 0; i < starts.size(); ++i) {
      const int64_t next = i + 1 < starts.size() ? starts[i + 1] : starts.front() + interval_ns_;
      SchedulingTask task;
      task.group = group;
      task.cost.work_ns = next - starts[i];
      const int64_t first_ns = starts[i] + below(shape_.max_stage + 1) * interval_ns_;
      planted_.push_back({problem_.tasks.push_back(task), first_ns, first_ns + task.cost.work_ns});
    }
  }

  /// To a task that starts after `from` ended: right after it, or anywhere later; or, some steps
  /// on, to any.
  void add_edge(const Planted& from) {
    const bool is_tight = happens(shape_.tightness);
    const bool reaches_on = happens(shape_.recurrences);
    const int32_t distance = reaches_on ? static_cast<int32_t>(1 + below(2)) : 0;
    const int64_t ready_ns = from.end_ns - distance * interval_ns_;
    const auto first = std::lower_bound(
        by_time_.begin(), by_time_.end(), ready_ns,
        [](const Planted& planted, int64_t time_ns) { return planted.start_ns < time_ns; });
    const int64_t num_later = by_time_.end() - first;
    if (num_later == 0) return;
    const int64_t reach = is_tight ? std::min<int64_t>(num_later, shape_.num_groups) : num_later;
    const TaskId to = first[below(reach)].task;
    problem_.edges.push_back({from.task, to, distance});
    problem_.values.push_back({{{to, from.task, distance}}});
  }

  /// Ties are broken by name: names must not give the planted order away.
  void shuffle_names() {
    std::vector<int32_t> ranks(problem_.tasks.size());
    for (size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<int32_t>(i);
    for (size_t i = ranks.size(); i > 1; --i) {
      std::swap(ranks[i - 1], ranks[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
    }
    for (const TaskId task : problem_.tasks.ids()) {
      problem_.tasks[task].name_rank = ranks[task.index()];
    }
  }

  const LoopShape& shape_;
  std::mt19937_64 random_;
  int64_t interval_ns_;
  SchedulingProblem problem_;
  std::vector<Planted> planted_;
  std::vector<Planted> by_time_;
};

}  // namespace

PlantedLoop planted_loop(const LoopShape& shape) { return LoopMaker(shape).run(); }

}  // namespace graphc
