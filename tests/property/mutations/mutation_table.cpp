#include "tests/property/mutations/mutation_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/property/sample.h"

namespace graphrt {
namespace {

bool is_of_waits(MutationKind kind) {
  return kind == MutationKind::kRemoveWait || kind == MutationKind::kLowerCount ||
         kind == MutationKind::kRaiseDistance;
}

/// Whether the mutant says of an operand that it should get another value, or of a result that it
/// goes where another one went. Such a plan may be
/// sound, and is another one: a verifier that has nothing but the file cannot know.
bool changes_named_values(MutationKind kind) {
  return kind == MutationKind::kRenameProducer || kind == MutationKind::kChangeReadDistance ||
         kind == MutationKind::kChangeWrites;
}

/// Whether something waits for some instructions of a launch and not for all.
bool waits_for_part(const Plan& plan) {
  return std::any_of(
      plan.instructions.begin(), plan.instructions.end(), [&](const Instruction& instruction) {
        return std::any_of(instruction.waits.begin(), instruction.waits.end(),
                           [&](const Wait& wait) {
                             const auto& lane = plan.lanes[wait.lane].instructions;
                             const auto next = static_cast<size_t>(wait.count);
                             return next < lane.size() && plan.instructions[lane[next]].is_joined;
                           });
      });
}

}  // namespace

MutationTable::MutationTable(std::string corpus, int64_t max_per_kind, int64_t unrolled_period)
    : corpus_(std::move(corpus)), max_per_kind_(max_per_kind), unrolled_period_(unrolled_period) {}

void MutationTable::add(const std::string& name, const Plan& plan) {
  const Judgement judgement = judge(plan);
  ASSERT_FALSE(judgement.violation || judgement.fault) << name << "\n" << describe(judgement);
  ++num_plans_;
  for (const MutationKind kind : all_mutation_kinds()) add_kind(name, plan, kind);
}

void MutationTable::add_kind(const std::string& name, const Plan& plan, MutationKind kind) {
  const std::vector<Mutation> mutations = mutations_of(plan, kind);
  const auto num_places = static_cast<int64_t>(mutations.size());
  const int64_t most = is_of_waits(kind) ? num_places : std::min(num_places, max_per_kind_);
  const int64_t num_judged = std::min(most, graphc::sampled(most));
  rows_[kind].num_places += num_places;
  for (int64_t i = 0; i < num_judged; ++i) {
    const Mutation& mutation = mutations[static_cast<size_t>(i * num_places / num_judged)];
    SCOPED_TRACE(name + ": " + mutation.description);
    judge_mutant(mutated(plan, mutation), kind);
  }
}

void MutationTable::judge_mutant(const Plan& mutant, MutationKind kind) {
  MutantCounts& counts = rows_[kind];
  ++counts.num_judged;
  const Judgement judgement = judge(mutant);
  EXPECT_FALSE(judgement.is_missed() || judgement.is_overrefused()) << describe(judgement);
  if (is_of_waits(kind)) {
    EXPECT_TRUE(judgement.violation && (!judgement.is_broken() || waits_for_part(mutant)))
        << describe(judgement);
  }
  if (judgement.is_broken()) {
    ++counts.num_broken;
    return;
  }
  if (counts.num_judged % unrolled_period_ == 0) {
    if (const auto agrees = unrolled_checker_agrees(mutant, judgement)) {
      ++counts.num_unrolled;
      EXPECT_TRUE(*agrees) << describe(judgement);
    }
  }
  counts.num_missed += judgement.is_missed() ? 1 : 0;
  counts.num_overrefused += judgement.is_overrefused() ? 1 : 0;
  counts.num_refused += judgement.violation && judgement.fault ? 1 : 0;
  if (judgement.violation || judgement.fault) return;
  ++(changes_named_values(kind) ? counts.num_other_value : counts.num_equivalent);
}

std::string MutationTable::text() const {
  std::string text =
      fmt::format("{} {}\n{:<21} {:>8} {:>8} | {:>9} {:>7} | {:>10} {:>11} | {:>7} {:>8} | {:>8}\n",
                  num_plans_, corpus_, "mutation", "places", "judged", "structure", "order",
                  "equivalent", "other value", "missed", "too many", "unrolled");
  const auto row = [](std::string_view name, const MutantCounts& c) {
    return fmt::format("{:<21} {:>8} {:>8} | {:>9} {:>7} | {:>10} {:>11} | {:>7} {:>8} | {:>8}\n",
                       name, c.num_places, c.num_judged, c.num_broken, c.num_refused,
                       c.num_equivalent, c.num_other_value, c.num_missed, c.num_overrefused,
                       c.num_unrolled);
  };
  for (const auto& [kind, counts] : rows_) text += row(name_of(kind), counts);
  return text;
}

}  // namespace graphrt
