// Time per step that the scheduler reaches on loops whose shortest one is known, in virtual time:
//   bench_loops [SEEDS [TASKS]]      (default: 20 loops of every shape, 64 tasks at most on a lane)

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <vector>

#include "compiler/solve/schedule/pipeline_search.h"
#include "tests/property/schedule/planted_loops.h"

namespace graphc {
namespace {

/// A row whose mean is at most this counts as near the optimum.
constexpr double kNearOptimum = 1.02;
constexpr int kTasksPerLaneOfGroups = 8;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Returns the mean ratio of the row.
double print_row(LoopShape shape, uint32_t num_seeds) {
  double sum = 0;
  double worst = 0;
  uint32_t num_optimal = 0;
  const double start = cpu_seconds();
  for (uint32_t seed = 1; seed <= num_seeds; ++seed) {
    shape.seed = seed;
    const PlantedLoop loop = planted_loop(shape);
    const SchedulingSolution solution = schedule_pipelined(loop.problem);
    const double ratio =
        static_cast<double>(solution.interval_ns) / static_cast<double>(loop.interval_ns);
    sum += ratio;
    worst = std::max(worst, ratio);
    if (solution.interval_ns <= loop.interval_ns) ++num_optimal;
  }
  fmt::print("| {} | {} | {} | {:.2f} | {:.2f} | {:.4f} | {:.4f} | {}/{} | {:.3f} |\n",
             shape.num_groups * shape.lanes_per_group, shape.lanes_per_group,
             shape.num_groups * shape.lanes_per_group * shape.tasks_per_lane, shape.tightness,
             shape.recurrences, sum / num_seeds, worst, num_optimal, num_seeds,
             (cpu_seconds() - start) / num_seeds);
  return sum / num_seeds;
}

void print_table(uint32_t num_seeds, int most_tasks_per_lane) {
  fmt::print(
      "| lanes | of a group | tasks | tight | recurrent | mean ratio | worst | optimal | s a loop "
      "|\n"
      "|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  std::vector<double> means;
  for (const double recurrences : {0.0, 0.1, 0.25, 0.5}) {
    for (const double tightness : {0.0, 0.5, 1.0}) {
      for (const int tasks_per_lane : {4, 16, 64}) {
        if (tasks_per_lane > most_tasks_per_lane) continue;
        means.push_back(print_row({.num_groups = 6,
                                   .tasks_per_lane = tasks_per_lane,
                                   .tightness = tightness,
                                   .recurrences = recurrences},
                                  num_seeds));
      }
      if (kTasksPerLaneOfGroups > most_tasks_per_lane) continue;
      means.push_back(print_row({.num_groups = 3,
                                 .lanes_per_group = 4,
                                 .tasks_per_lane = kTasksPerLaneOfGroups,
                                 .tightness = tightness,
                                 .recurrences = recurrences},
                                num_seeds));
    }
  }
  const auto num_near =
      std::count_if(means.begin(), means.end(), [](double mean) { return mean <= kNearOptimum; });
  fmt::print("\nMean ratio of all rows: {:.4f}; {} of {} rows at most {}.\n",
             std::accumulate(means.begin(), means.end(), 0.0) / static_cast<double>(means.size()),
             num_near, means.size(), kNearOptimum);
}

}  // namespace
}  // namespace graphc

int main(int argc, char** argv) {
  const int num_seeds = argc > 1 ? std::atoi(argv[1]) : 20;
  const int most_tasks_per_lane = argc > 2 ? std::atoi(argv[2]) : 64;
  if (num_seeds < 1 || most_tasks_per_lane < 4) {
    fmt::print(stderr, "bench_loops: the number of loops must be at least 1, that of tasks 4\n");
    return 2;
  }
  graphc::print_table(static_cast<uint32_t>(num_seeds), most_tasks_per_lane);
  return 0;
}
