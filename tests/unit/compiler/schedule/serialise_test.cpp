#include "compiler/schedule/serialise.h"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

int64_t total_ns(const TaskGraph& tasks) {
  int64_t total = 0;
  for (const Task& task : tasks.tasks) total += task.cost.duration_ns();
  return total;
}

/// The first two tasks that run at the same time, by name; nothing if there are none.
std::string overlap_in(const Schedule& schedule) {
  const auto& placed = schedule.solution.tasks;
  for (const TaskId a : placed.ids()) {
    for (const TaskId b : placed.ids()) {
      const bool is_apart =
          placed[a].end_ns <= placed[b].start_ns || placed[b].end_ns <= placed[a].start_ns;
      if (a == b || is_apart) continue;
      return schedule.tasks->tasks[a].name + " and " + schedule.tasks->tasks[b].name;
    }
  }
  return "";
}

// On random machines with random pins: a step takes as long as all that is done in it, and the next
// one begins when it has ended.
TEST(Serialised, RunsOneOperationAtATime) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const TaskGraph tasks = serialised(tasks_of(RandomGraph(seed).make(), random_machine(seed)));
    ASSERT_EQ(verify_task_graph(tasks), std::nullopt);
    const Schedule schedule = schedule_tasks(tasks);
    ASSERT_EQ(verify_schedule(schedule), std::nullopt);
    EXPECT_EQ(overlap_in(schedule), "");
    EXPECT_EQ(schedule.solution.latency_ns, total_ns(tasks));
    EXPECT_EQ(schedule.solution.interval_ns, total_ns(tasks));
  }
}

TEST(Serialised, KeepsWhatTheGraphDemands) {
  const TaskGraph before = tasks_of(RandomGraph(3).make(), random_machine(3));
  const TaskGraph after = serialised(before);
  ASSERT_GT(after.edges.size(), before.edges.size());
  for (size_t i = 0; i < before.edges.size(); ++i) {
    EXPECT_EQ(after.edges[i].from, before.edges[i].from);
    EXPECT_EQ(after.edges[i].to, before.edges[i].to);
    EXPECT_EQ(after.edges[i].kind, before.edges[i].kind);
  }
  for (size_t i = before.edges.size(); i < after.edges.size(); ++i) {
    EXPECT_EQ(after.edges[i].kind, EdgeKind::kOrder);
  }
}

// Two sums of four blocks each, where the second to come is the first by name: the blocks of one
// run at once, those of the other when they have all ended.
TEST(Serialised, LeavesTheBlocksOfAnOperationSideBySide) {
  const Graph graph = graph_of(
      "graph g\n"
      "state %x : f32[64, 64] init zeros\n"
      "%z = add(%x, %x) keep\n"
      "%a = add(%z, %z) keep\n"
      "output %a\n");
  const Machine machine = machine_of(
      "machine: cores\n"
      "devices:\n"
      "  cpu: {kind: cpu, workers: 4, memory: 1GiB, launch: 1us,\n"
      "        rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}}\n");
  const BlockSizes sizes{.least_bytes = 1, .most_blocks = 4};
  const PlacedGraph placed = split_rows(placed_of(graph, machine), machine, sizes);
  const TaskGraph tasks = serialised(find_dependencies(placed, machine, CostModel(machine, sizes)));
  ASSERT_EQ(tasks.tasks.size(), 9U);  // four blocks each, and an output
  const Schedule schedule = schedule_tasks(tasks);
  std::set<int64_t> starts_of_z;
  std::set<int64_t> ends_of_z;
  std::set<int64_t> starts_of_a;
  for (const TaskId task : tasks.tasks.ids()) {
    const PlacedOp& op = placed.ops[tasks.tasks[task].op];
    if (op.kind != PlacedOpKind::kNode) continue;
    const bool is_of_z = placed.values[op.writes.front()].name == "z@cpu";
    (is_of_z ? starts_of_z : starts_of_a).insert(schedule.solution.tasks[task].start_ns);
    if (is_of_z) ends_of_z.insert(schedule.solution.tasks[task].end_ns);
  }
  EXPECT_THAT(starts_of_z, testing::ElementsAre(0));
  EXPECT_THAT(starts_of_a, testing::ElementsAre(*ends_of_z.rbegin()));
}

TEST(Serialised, TheOrderOfNodesDoesNotMatter) {
  const std::string a = "%a = relu(%x) keep\n";
  const std::string b = "%b = tanh(%x) keep\n";
  const std::string head = "graph g\ninput %x : f32[4]\n";
  const std::string tail = "output %a\noutput %b\n";
  const auto text = [](const std::string& graph) {
    return print_schedule(schedule_tasks(serialised(tasks_of(graph_of(graph), star_machine()))));
  };
  const std::string one = text(head + a + b + tail);
  EXPECT_EQ(one.substr(one.find('\n')), text(head + b + a + tail).substr(one.find('\n')));
}

TEST(Serialised, AnEmptyGraphStaysEmpty) { EXPECT_TRUE(serialised(TaskGraph()).edges.empty()); }

}  // namespace
}  // namespace graphc
