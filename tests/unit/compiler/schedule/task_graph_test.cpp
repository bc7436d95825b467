#include "compiler/schedule/task_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/compiler/schedule/levels.h"

namespace graphc {
namespace {

/// gpu0 reads the state, the CPU updates it.
constexpr const char* kStateText =
    "graph g\n"
    "input %x : f32[4]\n"
    "state %w : f32[4] init zeros\n"
    "%h = add(%x, %w) device gpu0\n"
    "%w_new = add(%w, %h) device cpu updates %w\n"
    "output %h\n";

class VerifyTaskGraph : public testing::Test {
 protected:
  TaskId task(const std::string& name) const { return task_named(tasks_, name); }
  void erase_edge(const std::string& from, const std::string& to, EdgeKind kind) {
    const size_t erased = std::erase_if(tasks_.edges, [&](const TaskEdge& edge) {
      return edge.from == task(from) && edge.to == task(to) && edge.kind == kind;
    });
    ASSERT_EQ(erased, 1U);
  }

  TaskGraph tasks_ = tasks_of(graph_of(kStateText), star_machine());
};

TEST_F(VerifyTaskGraph, AcceptsTheUnbrokenOne) {
  EXPECT_EQ(verify_task_graph(tasks_), std::nullopt);
}

TEST_F(VerifyTaskGraph, AReadWithoutItsDataEdge) {
  erase_edge("h", "h -> cpu", EdgeKind::kData);
  EXPECT_EQ(verify_task_graph(tasks_),
            "'h -> cpu' reads 'h@gpu0' without an edge from its producer");
}

TEST_F(VerifyTaskGraph, AnEdgeOfAnotherDistance) {
  for (TaskEdge& edge : tasks_.edges) {
    if (edge.from == task("w -> gpu0") && edge.to == task("h")) edge.distance = 2;
  }
  EXPECT_EQ(verify_task_graph(tasks_), "'h' reads 'w@gpu0' without an edge from its producer");
}

TEST_F(VerifyTaskGraph, AStateThatMayBeReplacedWhileItIsRead) {
  erase_edge("h", "w -> gpu0", EdgeKind::kAnti);
  EXPECT_EQ(verify_task_graph(tasks_), "'w@gpu0' may be replaced while 'h' reads it");
}

TEST_F(VerifyTaskGraph, ACycleWithinTheStep) {
  tasks_.edges.push_back({task("w_new"), task("h"), 0, EdgeKind::kData, {}});
  EXPECT_THAT(verify_task_graph(tasks_).value_or(""), testing::HasSubstr("waits for itself"));
}

// The text form names both ends, the distance in steps and the value.
TEST(FindDependencies, StateGivesEdgesAcrossSteps) {
  const std::string text = print_task_graph(tasks_of(graph_of(kStateText), star_machine()));
  EXPECT_THAT(text, testing::HasSubstr("data  w -> gpu0 => h  distance 1  w@gpu0\n"));
  // In place: the copy of this step overwrites what h of this step has read.
  EXPECT_THAT(text, testing::HasSubstr("anti  h => w -> gpu0  distance 0  w@gpu0\n"));
  EXPECT_THAT(text, testing::HasSubstr("data  w_new => w_new  distance 1  w@cpu\n"));
  // The copy reads the new value; the update of the next step may not come before that.
  EXPECT_THAT(text, testing::HasSubstr("anti  w -> gpu0 => w_new  distance 1  w@cpu\n"));
}

// matmul reads its operands while it writes: the next value needs bytes of its own.
TEST(FindDependencies, AnUpdateThatCannotRunInPlaceGetsTwoVersions) {
  const TaskGraph tasks = tasks_of(graph_of("graph g\n"
                                            "state %w : f32[4, 4] init zeros\n"
                                            "state %v : f32[4, 4] init zeros\n"
                                            "%w_new = matmul(%w, %w) updates %w\n"
                                            "%v_new = relu(%v) updates %v\n"
                                            "output %w_new\n"),
                                   star_machine());
  for (const PlacedValueId value : tasks.placed->values.ids()) {
    const bool is_matmul = tasks.placed->values[value].name == "w@cpu";
    EXPECT_EQ(tasks.fixed_versions[value], is_matmul ? 2 : 1);
  }
}

/// Versions of the state's value on the CPU, by name.
std::map<std::string, int32_t> state_versions(const TaskGraph& tasks) {
  std::map<std::string, int32_t> versions;
  for (const PlacedValueId value : tasks.placed->values.ids()) {
    const auto fixed = tasks.fixed_versions[value];
    if (fixed) versions[tasks.placed->values[value].name] = *fixed;
  }
  return versions;
}

// z reads w from before the step and what replaces it: both must exist at once.
TEST(FindDependencies, AReaderOfOldAndNewValueKeepsBoth) {
  const TaskGraph tasks = tasks_of(graph_of("graph g\n"
                                            "state %w : f32[4] init zeros\n"
                                            "%w_new = tanh(%w) updates %w\n"
                                            "%y = relu(%w_new)\n"
                                            "%z = add(%w, %y)\n"
                                            "output %z\n"),
                                   star_machine());
  EXPECT_EQ(state_versions(tasks)["w@cpu"], 2);
  EXPECT_EQ(verify_task_graph(tasks), std::nullopt);
}

// v and w swap: whichever is written first, the other still needs its old value. One of them, the
// smaller or else the later by name, gets two versions; one in place is enough for the circle of
// the others.
TEST(FindDependencies, StatesThatSwapDoNotWaitForEachOther) {
  const TaskGraph tasks = tasks_of(graph_of("graph g\n"
                                            "state %v : f32[4] init zeros\n"
                                            "state %w : f32[4] init zeros\n"
                                            "%w_new = relu(%v) updates %w\n"
                                            "%v_new = relu(%w) updates %v\n"
                                            "output %v_new\n"),
                                   star_machine());
  EXPECT_EQ(verify_task_graph(tasks), std::nullopt);
  EXPECT_EQ(state_versions(tasks)["v@cpu"], 1);
  EXPECT_EQ(state_versions(tasks)["w@cpu"], 2);
}

// Where nobody needs old and new together, an update stays in place however many read the old one.
TEST(FindDependencies, ReadersOfTheOldValueAloneDoNotCostAVersion) {
  const TaskGraph tasks = tasks_of(graph_of("graph g\n"
                                            "state %w : f32[4] init zeros\n"
                                            "%w_new = tanh(%w) updates %w\n"
                                            "%y = relu(%w)\n"
                                            "%z = relu(%w_new)\n"
                                            "output %y\n"
                                            "output %z\n"),
                                   star_machine());
  EXPECT_EQ(state_versions(tasks)["w@cpu"], 1);
}

TEST(FindDependencies, AnOperandReadTwiceIsOneEdge) {
  const TaskGraph tasks = tasks_of(
      graph_of("graph g\ninput %x : f32[4]\n%y = add(%x, %x)\noutput %y\n"), star_machine());
  EXPECT_EQ(tasks.edges.size(), 2U);  // feed => y, y => output
}

TEST(FindDependencies, RandomGraphsVerify) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    const TaskGraph tasks = tasks_of(RandomGraph(seed).make(), random_machine(seed));
    EXPECT_EQ(verify_task_graph(tasks), std::nullopt) << "seed " << seed;
  }
}

// Every lane of the machine, and who shares what with whom.
TEST(LanesOf, DevicesThenLinksThenFeedAndOutput) {
  const LaneTable table = lanes_of(machine_of(
      "machine: m\ndevices:\n"
      "  cpu: {kind: cpu, workers: 2, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s},"
      " launch: 0ns}\n" +
      tidy_gpu("gpu0") +
      "links:\n"
      "  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, both: 1.5GB/s, latency: 100ns}\n"));
  std::vector<std::string> names;
  for (const MachineLane& lane : table.lanes) names.push_back(lane.name);
  EXPECT_THAT(names, testing::ElementsAre("cpu.worker0", "cpu.worker1", "gpu0.stream0", "cpu->gpu0",
                                          "gpu0->cpu", "feed", "output"));
  const auto resources_of = [&](size_t group) {
    std::vector<std::string> of_group;
    for (const SharedResourceId id : table.groups[GroupId(group)].resources) {
      of_group.push_back(table.resource_names[id]);
    }
    return of_group;
  };
  EXPECT_THAT(resources_of(0), testing::IsEmpty());  // CPU workers have their share of the rate
  EXPECT_THAT(resources_of(1), testing::ElementsAre("gpu0"));  // its streams take turns
  EXPECT_THAT(resources_of(2), testing::ElementsAre("cpu-gpu0"));
  EXPECT_THAT(resources_of(3), testing::ElementsAre("cpu-gpu0"));
  EXPECT_EQ(table.resource_names.size(), 2U);
}

}  // namespace
}  // namespace graphc
