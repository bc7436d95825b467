#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/solve/schedule/bounded_scheduler.h"
#include "tests/unit/compiler/solve/schedule/demands.h"

namespace graphc {
namespace {

using testing::ElementsAre;

Budgets no_budget(const MemoryDemand& demand) { return Budgets(demand.always_bytes.size(), 0); }

std::string broken_edges(const SchedulingProblem& problem, const std::vector<TaskId>& order) {
  std::string broken;
  IdVector<TaskId, int> position(problem.tasks.size(), -1);
  for (size_t i = 0; i < order.size(); ++i) position[order[i]] = static_cast<int>(i);
  if (order.size() != problem.tasks.size()) broken += "not every task once\n";
  for (const TaskId task : problem.tasks.ids()) {
    if (position[task] < 0) broken += "task " + std::to_string(task.value()) + " is missing\n";
  }
  for (const SchedulingEdge& edge : problem.edges) {
    if (edge.distance != 0 || position[edge.from] < position[edge.to]) continue;
    broken += std::to_string(edge.to.value()) + " comes before " +
              std::to_string(edge.from.value()) + "\n";
  }
  return broken;
}

/// The lowest peak of all orders, for one memory: over all sets of tasks that can have run.
int64_t lowest_peak(const SchedulingProblem& problem, const MemoryDemand& demand) {
  const size_t num_tasks = problem.tasks.size();
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  const auto bit = [](TaskId task) { return size_t{1} << task.index(); };
  std::vector<size_t> needs(num_tasks, 0);
  for (const SchedulingEdge& edge : problem.edges) {
    if (edge.distance == 0) needs[edge.to.index()] |= bit(edge.from);
  }
  std::vector<size_t> touching;
  for (const DemandedValue& value : demand.values) {
    size_t tasks = 0;
    for (const TaskId task : value.writers) tasks |= bit(task);
    for (const TaskId task : value.readers) tasks |= bit(task);
    touching.push_back(tasks);
  }
  const size_t all = (size_t{1} << num_tasks) - 1;
  std::vector<int64_t> peaks(all + 1, kNever);
  peaks[0] = demand.always_bytes[MemoryId(0)];
  for (size_t done = 0; done < all; ++done) {
    if (peaks[done] == kNever) continue;
    for (const TaskId task : problem.tasks.ids()) {
      if ((done & bit(task)) != 0 || (needs[task.index()] & ~done) != 0) continue;
      int64_t used_bytes = demand.always_bytes[MemoryId(0)];
      for (const DemandId id : demand.values.ids()) {
        const bool is_there = (touching[id.index()] & (done | bit(task))) != 0;
        const bool is_over = (touching[id.index()] & ~done) == 0;
        if (is_there && !is_over) used_bytes += demand.values[id].size_bytes;
      }
      int64_t& next = peaks[done | bit(task)];
      next = std::min(next, std::max(peaks[done], used_bytes));
    }
  }
  return peaks[all];
}

/// Random values in one memory: some that only their writer needs, some with two writers.
DemandBuilder random_values(unsigned seed, size_t num_tasks) {
  std::mt19937 random(seed);
  const auto below = [&](size_t limit) { return static_cast<size_t>(random()) % limit; };
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lanes = build.group(2);
  std::vector<TaskId> tasks;
  for (size_t i = 0; i < num_tasks; ++i) {
    tasks.push_back(build.task(lanes, static_cast<int64_t>(1 + below(9))));
  }
  for (size_t i = 0; i < num_tasks; ++i) {
    std::vector<TaskId> readers;
    for (size_t count = below(3); i + 1 < num_tasks && count > 0; --count) {
      readers.push_back(tasks[i + 1 + below(num_tasks - i - 1)]);
    }
    std::vector<TaskId> writers = {tasks[i]};
    if (i > 0 && below(5) == 0) writers.push_back(tasks[below(i)]);
    build.holds(memory, static_cast<int64_t>(1 + below(30)), writers, readers);
    if (below(3) == 0) build.holds(memory, static_cast<int64_t>(below(30)), {tasks[i]}, {});
  }
  return build;
}

//   a 1 -> b 10 -> c 1 --.
//                        g     both branches grow to 10 and shrink to 1: one after the other
//   d 1 -> e 10 -> f 1 --'       takes 11 + 1, side by side up to 20
TEST(MinPeakOrder, FinishesOneBranchBeforeTheNext) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lane = build.group(2);
  std::vector<TaskId> tasks;
  for (int i = 0; i < 7; ++i) tasks.push_back(build.task(lane, 5));
  for (const size_t first : {0U, 3U}) {
    build.holds(memory, 1, {tasks[first]}, {tasks[first + 1]});
    build.holds(memory, 10, {tasks[first + 1]}, {tasks[first + 2]});
    build.holds(memory, 1, {tasks[first + 2]}, {tasks[6]});
  }
  const auto order = min_peak_order(build.get(), build.demand(), no_budget(build.demand()));
  EXPECT_EQ(broken_edges(build.get(), order), "");
  EXPECT_EQ(sampled_peaks(build.demand(), one_by_one(order))[memory], 12);
}

//   big branch: peak 20, leaves 1; small branch: peak 6, leaves 5. Small first needs 5 + 20, big
//   first 1 + 6 beside its own 20 (Liu: by peak minus residue).
TEST(MinPeakOrder, TheBranchWithTheHigherPeakAboveItsResidueGoesFirst) {
  DemandBuilder build;
  const MemoryId memory = build.memory();
  const GroupId lane = build.group(1);
  const TaskId small = build.task(lane, 5);
  const TaskId big = build.task(lane, 5);
  const TaskId join = build.task(lane, 5);
  build.holds(memory, 1, {small}, {});
  build.holds(memory, 5, {small}, {join});
  build.holds(memory, 19, {big}, {});
  build.holds(memory, 1, {big}, {join});
  const auto order = min_peak_order(build.get(), build.demand(), no_budget(build.demand()));
  EXPECT_THAT(order, ElementsAre(big, small, join));
}

// Of two memories the one that is too full counts, though the other gets fuller by it.
TEST(MinPeakOrder, AMemoryWithinItsBudgetGivesWay) {
  for (const int tight : {0, 1}) {
    DemandBuilder build;
    const MemoryId memories[] = {build.memory(), build.memory()};
    const GroupId lane = build.group(1);
    const TaskId a = build.task(lane, 5);
    const TaskId b = build.task(lane, 5);
    const TaskId join = build.task(lane, 5);
    // In memory 0 a wants to go first (peaks 11 and 20), in memory 1 b does.
    build.holds(memories[0], 10, {a}, {});
    build.holds(memories[0], 10, {b}, {join});
    build.holds(memories[0], 1, {b}, {});
    build.holds(memories[1], 10, {b}, {});
    build.holds(memories[1], 10, {a}, {join});
    build.holds(memories[1], 1, {a}, {});
    Budgets budgets(2, 100);
    budgets[MemoryId(tight)] = 11;
    const auto order = min_peak_order(build.get(), build.demand(), budgets);
    EXPECT_EQ(order.front(), tight == 0 ? a : b);
    EXPECT_EQ(sampled_peaks(build.demand(), one_by_one(order))[MemoryId(tight)], 11);
  }
}

TEST(MinPeakOrder, IsNeverBelowAndMostlyAtTheLowestPeak) {
  int num_optimal = 0;
  int num_cases = 0;
  int64_t sum_bytes = 0;
  int64_t sum_lowest_bytes = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const DemandBuilder build = random_values(seed, 4 + seed % 7);
    const auto order = min_peak_order(build.get(), build.demand(), no_budget(build.demand()));
    ASSERT_EQ(broken_edges(build.get(), order), "");
    const int64_t peak_bytes = sampled_peaks(build.demand(), one_by_one(order))[MemoryId(0)];
    const int64_t lowest_bytes = lowest_peak(build.get(), build.demand());
    EXPECT_GE(peak_bytes, lowest_bytes);
    num_optimal += peak_bytes == lowest_bytes ? 1 : 0;
    ++num_cases;
    sum_bytes += peak_bytes;
    sum_lowest_bytes += lowest_bytes;
  }
  RecordProperty("optimal", num_optimal);
  RecordProperty("cases", num_cases);
  RecordProperty("per_mille_of_lowest", static_cast<int>(sum_bytes * 1000 / sum_lowest_bytes));
  EXPECT_GE(num_optimal * 100, num_cases * 90) << num_optimal << " of " << num_cases;
}

TEST(MinPeakOrder, DoesNotDependOnHowTasksAreNumbered) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SchedulingProblem problem = random_problem(seed);
    const MemoryDemand demand = random_demand(problem, seed);
    const auto order = min_peak_order(problem, demand, no_budget(demand));
    EXPECT_EQ(broken_edges(problem, order), "");
    const auto renumbered = shuffled_tasks(problem.tasks.size(), seed);
    std::vector<TaskId> expected;
    for (const TaskId task : order) expected.push_back(renumbered[task.index()]);
    EXPECT_EQ(min_peak_order(renumbered_problem(problem, renumbered),
                             renumbered_demand(demand, renumbered), no_budget(demand)),
              expected);
  }
}

}  // namespace
}  // namespace graphc
