#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <set>

#include "tests/property/compile/example_compiler.h"
#include "tests/property/compile/random_compilations.h"
#include "tests/property/mutations/mutation_table.h"
#include "tests/property/mutations/tight_plan.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

using graphrt::AdversaryPolicy;
using graphrt::InstructionId;
using graphrt::MutationKind;
using graphrt::MutationTable;

constexpr int kNumTightPlans = 300;
constexpr uint32_t kNumCompiled = sampled(60U);
constexpr uint64_t kNumSeeds = 10;  // random orders of every compiled plan

/// What can go wrong without an error of structure must have done so, or the table says nothing.
void expect_refusals_of_order(const MutationTable& table) {
  for (const auto& [kind, counts] : table.rows()) {
    // Producers are exactly the writers, and scratch memory is exactly what is needed.
    if (kind == MutationKind::kRenameProducer || kind == MutationKind::kChangeScratch) {
      EXPECT_EQ(counts.num_broken, counts.num_judged);
      EXPECT_GT(counts.num_broken, 0) << name_of(kind);
      continue;
    }
    if (kind == MutationKind::kChangeWrites) {  // nearly always, a buffer has two writers or none
      EXPECT_GT(counts.num_broken, 0) << name_of(kind);
      continue;
    }
    // Some plans have few rows, and others of the same value may be as sound.
    if (kind == MutationKind::kChangeRows && counts.num_places < 100) continue;
    EXPECT_GT(counts.num_refused, 0) << name_of(kind);
  }
}

void expect_no_fault_in_random_order(const std::string& name, const Plan& plan) {
  const graphrt::Adversary adversary(plan, graphrt::adversary_steps(plan));
  for (uint64_t seed = 0; seed < kNumSeeds; ++seed) {
    for (const auto policy : {AdversaryPolicy::kRandom, AdversaryPolicy::kPriorities}) {
      const auto fault = adversary.run({policy, seed, InstructionId(), 0});
      ASSERT_FALSE(fault) << name << ": " << fault->message;
    }
  }
}

std::vector<std::string> files_in(const std::string& folder) {
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") paths.insert(entry.path().string());
  }
  return {paths.begin(), paths.end()};
}

TEST(Mutations, OfRandomPlansWithoutAWaitTooMany) {
  MutationTable table("random plans, each wait needed", 40, 3);
  int num_plans = 0;
  int num_pipelined = 0;
  int num_with_versions = 0;
  int num_with_rows = 0;
  int num_in_place = 0;
  int num_with_scratch = 0;
  for (uint64_t seed = 0; num_plans < kNumTightPlans; ++seed) {
    const auto plan = graphrt::tight_random_plan(seed);
    if (!plan) continue;
    table.add("seed " + std::to_string(seed), *plan);
    const auto needs = [&](const char* feature) {
      const auto& features = plan->required_features;
      return std::find(features.begin(), features.end(), feature) != features.end() ? 1 : 0;
    };
    ++num_plans;
    num_pipelined += needs("stages");
    num_with_versions += needs("versions");
    num_with_rows += needs("rows");
    num_in_place += graphrt::has_in_place(*plan) ? 1 : 0;
    num_with_scratch += graphrt::has_scratch(*plan) ? 1 : 0;
  }
  std::fputs(table.text().c_str(), stdout);
  for (const int num : {num_pipelined, num_with_versions, num_with_rows, num_in_place}) {
    EXPECT_GT(num, kNumTightPlans / 10);
  }
  EXPECT_GT(num_with_scratch, kNumTightPlans / 30);
  expect_refusals_of_order(table);
}

TEST(Mutations, OfExamplesOnAllTheirMachines) {
  MutationTable table("example plans", 200, 10);
  for (const std::string& graph : files_in(GRAPHS_DIR)) {
    for (const std::string& machine : files_in(std::string(GRAPHS_DIR) + "/machines")) {
      const auto compilation = compile_example_for(graph, machine);
      if (!compilation) continue;  // it names devices that this machine does not have
      const std::string name = std::filesystem::path(graph).stem().string() + " on " +
                               std::filesystem::path(machine).stem().string();
      table.add(name, compilation->plan);
      expect_no_fault_in_random_order(name, compilation->plan);
    }
  }
  std::fputs(table.text().c_str(), stdout);
  expect_refusals_of_order(table);
}

TEST(Mutations, OfCompiledRandomGraphs) {
  MutationTable table("compiled random graphs", 30, 10);
  for (uint32_t seed = 0; seed < kNumCompiled; ++seed) {
    const Plan plan = compile_random(seed).plan;
    const std::string name = "seed " + std::to_string(seed);
    table.add(name, plan);
    expect_no_fault_in_random_order(name, plan);
  }
  std::fputs(table.text().c_str(), stdout);
  expect_refusals_of_order(table);
}

}  // namespace
}  // namespace graphc
