#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/emit/lower_to_plan.h"
#include "compiler/frontend/decisions/parse_schedule.h"
#include "compiler/frontend/source_file.h"
#include "compiler/placement/add_scratch.h"
#include "compiler/placement/insert_copies.h"
#include "compiler/placement/split_copies.h"
#include "compiler/placement/split_rows.h"
#include "runtime/observe/reference_check.h"
#include "runtime/proof/verify_plan.h"
#include "tests/property/run/random_sessions.h"
#include "tests/property/sample.h"
#include "tests/unit/compiler/placement/random_rewrites.h"

namespace graphc {
namespace {

constexpr uint32_t kNumRewritesSeeds = sampled(40U);
constexpr int kNumTries = 8;
constexpr int64_t kNumRewritesSteps = 7;

/// The compilation's placement with some values rematerialised or offloaded.
RandomRewrites rewrite_at_random(const Compilation& compilation, const Machine& machine,
                                 uint32_t seed) {
  DiagnosticSink diagnostics;
  const auto placed =
      insert_copies(compilation.passes.graph, compilation.placement.chosen.decisions.assignment,
                    machine, diagnostics);
  CHECK(placed.has_value(), diagnostics.render_all());
  return with_random_rewrites(*placed, machine, seed, kNumTries);
}

void expect_valid(const Violation& violation) {
  EXPECT_EQ(violation, std::nullopt) << violation.value_or("");
}

/// Names of new operations are found again in the text of a schedule.
void expect_reads_back(const Schedule& schedule) {
  DiagnosticSink diagnostics;
  const auto text =
      std::make_shared<const SourceFile>(SourceFile{"test.schedule", print_schedule(schedule)});
  const auto parsed = parse_schedule(text, schedule.tasks, diagnostics);
  ASSERT_TRUE(parsed) << diagnostics.render_all();
  EXPECT_EQ(parsed->solution.lanes, schedule.solution.lanes);
}

/// Through all lower levels, each checked by its verifier.
Plan lowered(const PlacedGraph& placed, const Plan& original, const Machine& machine,
             const BlockSizes& sizes) {
  expect_valid(verify_placed_graph(placed, machine));
  const PlacedGraph blocks = split_copies(split_rows(placed, machine, sizes), sizes).placed;
  const PlacedGraph split = add_scratch(blocks, machine);
  expect_valid(verify_placed_graph(split, machine));
  const TaskGraph tasks = find_dependencies(split, machine, CostModel(machine, sizes));
  expect_valid(verify_task_graph(tasks));
  const Schedule schedule = schedule_tasks(tasks);
  expect_valid(verify_schedule(schedule));
  expect_reads_back(schedule);
  // As little as can be: bytes are shared wherever an order can be added for it.
  const MemoryPlan memory = plan_memory(schedule, MemoryLimits(machine.devices.size(), 0));
  expect_valid(verify_memory_plan(memory));
  const Synchronised synchronised = remove_redundant_waits(memory);
  expect_valid(verify_synchronised(synchronised));
  Plan plan = lower_to_plan(synchronised, machine, {original.source, original.fingerprints, "."});
  const auto violation = verify_plan(plan);
  EXPECT_FALSE(violation) << violation->message;
  return plan;
}

std::vector<Tensor> run(const Plan& plan, uint32_t seed) {
  Session session = open(plan, seed);
  const auto check = graphrt::ReferenceCheck::begin(session);
  CHECK(check.has_value(), check ? "" : check.error().message);
  const auto finished = session.run(kNumRewritesSteps, RunOptions());
  CHECK(finished.has_value(), finished ? "" : finished.error().message);
  const auto report = check->finish(session);
  EXPECT_TRUE(report) << report.error().message;
  return results_of(session);
}

int64_t num_divided_copies(const Plan& plan) {
  return std::count_if(
      plan.instructions.begin(), plan.instructions.end(), [](const auto& instruction) {
        return instruction.kind == graphrt::InstructionKind::kCopy && instruction.rows.has_value();
      });
}

// Copies travel in blocks, whether that is worth it or not.
TEST(RewritesProperty, RecomputedAndParkedValuesGiveTheSameBits) {
  int64_t num_divided = 0;
  int num_rematerialised = 0;
  int num_offloaded = 0;
  for (uint32_t seed = 0; seed < kNumRewritesSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const Compilation compilation = compile_random(seed);
    const RandomRewrites rewrites = rewrite_at_random(compilation, machine, seed);
    const Plan plan = lowered(rewrites.placed, compilation.plan, machine, random_block_sizes(seed));
    const std::vector<Tensor> expected = run(compilation.plan, seed);
    const std::vector<Tensor> results = run(plan, seed);
    ASSERT_EQ(results.size(), expected.size());
    for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i].data, expected[i].data) << i;
    num_divided += num_divided_copies(plan);
    num_rematerialised += rewrites.num_rematerialised;
    num_offloaded += rewrites.num_offloaded;
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_divided, static_cast<int64_t>(kNumRewritesSeeds));
  EXPECT_GT(num_rematerialised, static_cast<int>(kNumRewritesSeeds) / 2);
  EXPECT_GT(num_offloaded, static_cast<int>(kNumRewritesSeeds) / 2);
}

}  // namespace
}  // namespace graphc
