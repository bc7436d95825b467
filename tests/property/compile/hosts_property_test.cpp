#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"
#include "tests/property/compile/random_compilations.h"
#include "tests/property/plan/mutate.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

constexpr uint32_t kNumHostSeeds = sampled(60U);

/// compile() checks every level with its verifier, and the plan as the runtime does.
Compilation compile_over_hosts(uint32_t seed) {
  const Machine machine = random_machine_of_hosts(seed);
  DiagnosticSink diagnostics;
  CompileOptions options;
  options.block_sizes = random_block_sizes(seed);
  Graph graph = random_graph(seed, machine);
  for (GraphOutput& output : graph.outputs) {
    // Results are handed out by the first host.
    if (!output.device || !output.device->starts_with("h0/")) output.device.reset();
  }
  auto compilation = compile({graph}, machine, options, diagnostics);
  CHECK(compilation.has_value(), "seed " + std::to_string(seed) + "\n" + diagnostics.render_all());
  return *std::move(compilation);
}

HostId host_of_instruction(const Plan& plan, InstructionId id) {
  for (const LaneId lane : plan.lanes.ids()) {
    const auto& instructions = plan.lanes[lane].instructions;
    if (std::find(instructions.begin(), instructions.end(), id) != instructions.end()) {
      return graphrt::host_of(plan, lane);
    }
  }
  CHECK(false, "every instruction has a lane");
}

TEST(CompileOverHosts, OnlyMessagesCrossHostsAndEveryWaitIsNeeded) {
  size_t num_messages = 0;
  size_t num_mutants = 0;
  for (uint32_t seed = 0; seed < kNumHostSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_over_hosts(seed).plan;
    for (const LaneId lane : plan.lanes.ids()) {
      const HostId host = graphrt::host_of(plan, lane);
      for (const InstructionId id : plan.lanes[lane].instructions) {
        const Instruction& instruction = plan.instructions[id];
        num_messages += instruction.kind == InstructionKind::kSend ? 1 : 0;
        for (const Wait& wait : instruction.waits) {
          EXPECT_EQ(graphrt::host_of(plan, wait.lane), host) << instruction.name;
        }
        for (const Operand& read : instruction.reads) {
          EXPECT_EQ(graphrt::host_of(plan, read.buffer), host) << instruction.name;
          for (const InstructionId producer : read.producers) {
            EXPECT_EQ(host_of_instruction(plan, producer), host) << instruction.name;
          }
        }
        for (const BufferId written : instruction.writes) {
          EXPECT_EQ(graphrt::host_of(plan, written), host) << instruction.name;
        }
      }
    }
    for (const Mutant& mutant : wait_mutants(plan)) {
      ++num_mutants;
      EXPECT_TRUE(graphrt::verify_plan(mutant.plan)) << mutant.description;
    }
  }
  EXPECT_GT(num_messages, sampled(size_t{400}));
  EXPECT_GT(num_mutants, sampled(size_t{1000}));
}

TEST(CompileOverHosts, PlansAreTheSameEveryTimeAndSurviveTheirFile) {
  for (uint32_t seed = 0; seed < kNumHostSeeds; seed += 4) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Plan plan = compile_over_hosts(seed).plan;
    const auto bytes = encode_plan(plan);
    const auto decoded = decode_plan(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, plan);
    EXPECT_EQ(bytes, encode_plan(compile_over_hosts(seed).plan));
  }
}

}  // namespace
}  // namespace graphc
