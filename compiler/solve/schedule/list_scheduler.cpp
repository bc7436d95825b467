#include "compiler/solve/schedule/list_scheduler.h"

#include <algorithm>

#include "compiler/solve/schedule/partial_schedule.h"

namespace graphc {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kOnlyReady:
      return "only_ready";
    case Reason::kStartsCopy:
      return "starts_copy";
    case Reason::kLongerPath:
      return "longer_path";
    case Reason::kLeastSlack:
      return "least_slack";
    case Reason::kNameOrder:
      return "name_order";
    case Reason::kAsWritten:
      return "as_written";
    case Reason::kWaitsForMemory:
      return "waits_for_memory";
    case Reason::kFitsMemory:
      return "fits_memory";
    case Reason::kMinPeakOrder:
      return "min_peak_order";
    case Reason::kBalance:
      return "balance";
  }
  return "";
}

IdVector<TaskId, int64_t> longest_paths_ns(const SchedulingProblem& problem) {
  IdVector<TaskId, std::vector<TaskId>> in(problem.tasks.size());
  IdVector<TaskId, int32_t> num_after(problem.tasks.size(), 0);
  for (const SchedulingEdge& edge : problem.edges) {
    if (edge.distance != 0) continue;
    in[edge.to].push_back(edge.from);
    ++num_after[edge.from];
  }
  IdVector<TaskId, int64_t> path_ns(problem.tasks.size(), 0);
  std::vector<TaskId> done;
  for (const TaskId task : problem.tasks.ids()) {
    if (num_after[task] == 0) done.push_back(task);
  }
  for (size_t i = 0; i < done.size(); ++i) {
    const TaskId task = done[i];
    path_ns[task] += problem.tasks[task].cost.duration_ns();
    for (const TaskId before : in[task]) {
      path_ns[before] = std::max(path_ns[before], path_ns[task]);
      if (--num_after[before] == 0) done.push_back(before);
    }
  }
  CHECK(done.size() == problem.tasks.size(), "edges of distance 0 must form no cycle");
  return path_ns;
}

SchedulingSolution list_schedule(const SchedulingProblem& problem, const Stages& stages,
                                 const SchedulingSolution* previous_interval) {
  PartialSchedule partial(problem, stages, previous_interval);
  std::vector<Candidate> candidates;
  while (!partial.is_over()) {
    candidates.clear();
    for (const TaskId task : partial.contenders())
      candidates.push_back(partial.candidate_for(task));
    const Pick pick = pick_first(problem, candidates);
    partial.start(pick.candidate, pick.reason);
  }
  return std::move(partial).take();
}

}  // namespace graphc
