#include <gtest/gtest.h>

#include <array>
#include <map>
#include <numeric>
#include <random>

#include "compiler/emit/verify_dataflow.h"
#include "runtime/proof/verify_plan.h"
#include "tests/property/run/random_sessions.h"
#include "tests/property/sample.h"

namespace graphc {
namespace {

constexpr uint32_t kNumDataflowSeeds = sampled(24U);
constexpr int kMutantsPerKind = 12;
constexpr int64_t kNumDataflowSteps = 5;

enum class MutationKind {
  kOperand,
  kOperandOrder,
  kDistance,
  kRows,
  kOperator,
  kAttribute,
  kFeed,
  kInitializer,
  kStateBuffers,
  kOutput
};
constexpr int kNumMutationKinds = 10;

/// Changes what a plan computes and leaves its order as it is.
class Mutator {
 public:
  Mutator(const Plan& plan, uint32_t seed)
      : plan_(plan), writers_(writers_of_buffers(plan)), random_(seed) {}

  /// Nothing if the plan has no place for it.
  std::optional<Plan> mutate(MutationKind kind) {
    Plan mutant = plan_;
    Instruction& victim = mutant.instructions[InstructionId(below(plan_.instructions.size()))];
    const bool has_changed = change(kind, mutant, victim);
    if (!has_changed || mutant == plan_) return std::nullopt;
    mutant.required_features = features_of(mutant);
    return mutant;
  }

 private:
  size_t below(size_t limit) { return static_cast<size_t>(random_()) % limit; }

  bool change(MutationKind kind, Plan& plan, Instruction& victim) {
    switch (kind) {
      case MutationKind::kOperand:
        return with_any_operand(victim, [&](Operand& operand) { return redirect(operand); });
      case MutationKind::kOperandOrder:
        if (victim.reads.size() < 2) return false;
        std::swap(victim.reads.front(), victim.reads.back());
        return true;
      case MutationKind::kDistance:  // of a state that is never replaced, any distance is as good
        return with_any_operand(victim, [&](Operand& operand) {
          operand.distance = operand.distance == 0 ? 1 : operand.distance - 1;
          return true;
        });
      case MutationKind::kRows:
        return with_any_operand(victim, [&](Operand& operand) { return shift_rows(operand); });
      case MutationKind::kOperator:
        return replace_operator(victim);
      case MutationKind::kAttribute:
        if (victim.op != "matmul") return false;
        victim.attributes.set("transpose_b", !victim.attributes.flag("transpose_b"));
        return true;
      case MutationKind::kFeed:
        if (!victim.input) return false;
        victim.input = InputId(below(plan.inputs.size()));
        return true;
      case MutationKind::kInitializer:
        plan.states[below(plan.states.size())].initializer.seed ^= 1;
        return true;
      case MutationKind::kStateBuffers:
        std::swap(plan.states.front().buffers, plan.states.back().buffers);
        return true;
      case MutationKind::kOutput:
        return exchange_outputs(plan);
    }
    return false;
  }

  template <class Change>
  bool with_any_operand(Instruction& victim, Change change_operand) {
    // What is handed out has two places in a plan; kOutput changes both.
    if (victim.reads.empty() || victim.kind == InstructionKind::kOutput) return false;
    return change_operand(victim.reads[below(victim.reads.size())]);
  }

  /// To another buffer of the same arena and type, at the same distance.
  bool redirect(Operand& operand) {
    operand.buffer = BufferId(below(plan_.buffers.size()));
    operand.producers =
        producers_of_rows(plan_, operand.buffer, operand.rows, writers_[operand.buffer]);
    return true;
  }

  bool shift_rows(Operand& operand) {
    if (!operand.rows) return false;
    const int64_t by = operand.rows->begin > 0 ? -1 : 1;
    operand.rows = RowRange{operand.rows->begin + by, operand.rows->end + by};
    operand.producers =
        producers_of_rows(plan_, operand.buffer, operand.rows, writers_[operand.buffer]);
    return true;
  }

  static bool replace_operator(Instruction& victim) {
    static const std::map<std::string, std::string> other = {
        {"add", "sub"}, {"sub", "mul"}, {"mul", "add"}, {"relu", "tanh"}, {"tanh", "sigmoid"}};
    const auto at = other.find(victim.op);
    if (at == other.end()) return false;
    victim.op = at->second;
    return true;
  }

  static bool exchange_outputs(Plan& plan) {
    std::swap(plan.outputs.front().name, plan.outputs.back().name);
    return plan.outputs.front().name != plan.outputs.back().name;
  }

  const Plan& plan_;
  IdVector<BufferId, std::vector<InstructionId>> writers_;
  std::mt19937 random_;
};

/// By name: exchanged outputs are a difference.
std::map<std::string, std::vector<std::byte>> results_by_name(const Plan& plan, uint32_t seed) {
  Session session = open(plan, seed);
  const auto finished = session.run(kNumDataflowSteps);
  CHECK(finished.has_value(), finished ? "" : finished.error().message);
  std::map<std::string, std::vector<std::byte>> results;
  for (const PlanOutput& output : plan.outputs) {
    results["output " + output.name] = output.instruction
                                           ? session.stacked(output.name).value().data
                                           : session.last(output.name).value().data;
  }
  for (const PlanState& state : plan.states) {
    results["state " + state.name] = session.state(state.name).value().data;
  }
  return results;
}

// The plan verifier accepts these mutants: they are as good as any plan, of another graph. Running
// them tells whether it is another graph: a mutant that is accepted gives the bits of the original.
TEST(DataflowProperty, AMutantIsRefusedOrGivesTheSameBits) {
  std::array<int, kNumMutationKinds> num_refused{};
  std::array<int, kNumMutationKinds> num_accepted{};
  for (uint32_t seed = 0; seed < kNumDataflowSeeds; ++seed) {
    const Compilation compilation = compile_random(seed);
    Mutator mutator(compilation.plan, seed);
    for (int i = 0; i < kNumMutationKinds * kMutantsPerKind; ++i) {
      const int kind = i % kNumMutationKinds;
      const auto mutant = mutator.mutate(static_cast<MutationKind>(kind));
      if (!mutant || verify_plan(*mutant)) continue;
      if (verify_dataflow(*mutant, compilation.passes.graph)) {
        ++num_refused[static_cast<size_t>(kind)];
        continue;
      }
      ++num_accepted[static_cast<size_t>(kind)];
      EXPECT_EQ(results_by_name(*mutant, seed), results_by_name(compilation.plan, seed))
          << "seed " << seed << ", mutation " << i;
    }
  }
  // Every kind of mutation gets past the plan verifier, and both answers occur.
  for (int kind = 0; kind < kNumMutationKinds; ++kind) {
    const auto at = static_cast<size_t>(kind);
    EXPECT_GT(num_refused[at] + num_accepted[at], 0) << "mutation of kind " << kind;
  }
  EXPECT_GT(std::reduce(num_refused.begin(), num_refused.end()), sampled(100));
  EXPECT_GT(std::reduce(num_accepted.begin(), num_accepted.end()), 0);
}

}  // namespace
}  // namespace graphc
