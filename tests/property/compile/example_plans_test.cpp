#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/proof/verify_plan.h"
#include "tests/property/compile/example_compiler.h"
#include "tests/property/plan/mutate.h"

namespace graphc {
namespace {

/// Every example in graphs/, in a fixed order.
std::vector<std::string> example_paths() {
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(GRAPHS_DIR)) {
    if (entry.path().extension() == ".yaml") paths.insert(entry.path().string());
  }
  return {paths.begin(), paths.end()};
}

class ExamplePlan : public ::testing::TestWithParam<std::string> {};

TEST_P(ExamplePlan, LosesNoWaitUnnoticed) {
  const Plan plan = compile_example(GetParam()).plan;
  const auto mutants = wait_mutants(plan);
  EXPECT_FALSE(mutants.empty());
  for (const Mutant& mutant : mutants) {
    const auto violation = verify_plan(mutant.plan);
    ASSERT_TRUE(violation) << mutant.description;
    EXPECT_TRUE(violation->first && violation->second)
        << mutant.description << ": " << violation->message;
  }
}

/// Two neighbours on a lane change places: either what is read stays the same, or it is noticed.
/// Where the second reads what the first writes, it must be.
TEST_P(ExamplePlan, NoticesSwappedNeighboursThatDependOnEachOther) {
  const Plan plan = compile_example(GetParam()).plan;
  int num_dependent = 0;
  for (const PlanLane& lane : plan.lanes) {
    for (size_t i = 0; i + 1 < lane.instructions.size(); ++i) {
      const InstructionId first = lane.instructions[i];
      const InstructionId second = lane.instructions[i + 1];
      const Instruction& reader = plan.instructions[second];
      const bool depends =
          std::any_of(reader.reads.begin(), reader.reads.end(), [&](const Operand& operand) {
            const auto& producers = operand.producers;
            return std::find(producers.begin(), producers.end(), first) != producers.end() &&
                   operand.distance == 0 && reader.stage == plan.instructions[first].stage;
          });
      if (!depends) continue;
      ++num_dependent;
      Plan mutant = plan;
      auto& order = mutant.lanes[LaneId(static_cast<size_t>(&lane - &*plan.lanes.begin()))];
      std::swap(order.instructions[i], order.instructions[i + 1]);
      EXPECT_TRUE(verify_plan(mutant)) << plan.instructions[first].name << " and " << reader.name;
    }
  }
  EXPECT_GT(num_dependent, 0);
}

std::string name_of_example(const ::testing::TestParamInfo<std::string>& example) {
  return std::filesystem::path(example.param).stem().string();
}

INSTANTIATE_TEST_SUITE_P(Graphs, ExamplePlan, ::testing::ValuesIn(example_paths()),
                         name_of_example);

}  // namespace
}  // namespace graphc
