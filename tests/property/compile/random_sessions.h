#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/engine/session.h"
#include "tests/property/compile/random_problem.h"

/// Random graphs, compiled and run.
namespace graphc {

using graphrt::PlanOutput;
using graphrt::PlanState;
using graphrt::RunMode;
using graphrt::RunOptions;
using graphrt::Session;
using graphrt::SessionOptions;
using graphrt::Tensor;

/// The CPU's workers share even the smallest operators, in two out of three graphs, and what they
/// share travels in blocks.
inline BlockSizes random_block_sizes(uint32_t seed) {
  if (seed % 3 == 0) return {};
  return {.least_flops = 64,
          .least_bytes_of_product = 64,
          .least_bytes = 64,
          .least_rows_of_product = 1,
          .most_blocks = 1 + seed % 4,
          .least_bytes_of_copy = 16};
}

/// compile() checks every level with its verifier and aborts where one refuses.
inline Compilation compile_anew(uint32_t seed, CompileOptions options = {}) {
  const Machine machine = random_machine(seed);
  DiagnosticSink diagnostics;
  options.block_sizes = random_block_sizes(seed);
  auto compilation = compile({random_graph(seed, machine)}, machine, options, diagnostics);
  CHECK(compilation.has_value(), "seed " + std::to_string(seed) + "\n" + diagnostics.render_all());
  return *std::move(compilation);
}

/// The same, once for all tests of a program.
inline const Compilation& compile_random(uint32_t seed) {
  static std::map<uint32_t, Compilation> known;
  const auto at = known.find(seed);
  return at != known.end() ? at->second : known.emplace(seed, compile_anew(seed)).first->second;
}

/// With its inputs given and all outputs kept.
inline Session open(const Plan& plan, uint32_t seed,
                    const SessionOptions& options = graphrt::emulated()) {
  auto session = Session::create(plan, ".", options, graphrt::builtin_devices());
  CHECK(session.has_value(), session ? "" : session.error().message);
  for (const PlanInput& input : plan.inputs) {
    const auto given = session->set_input(input.name, random_feed(seed, input.type, 3));
    CHECK(given.has_value(), given ? "" : given.error().message);
  }
  for (const PlanOutput& output : plan.outputs) {
    if (output.instruction) CHECK(session->stack_output(output.name).has_value(), output.name);
  }
  return *std::move(session);
}

/// Every bit that a run leaves: stacked outputs, what stays on devices, and states.
inline std::vector<Tensor> results_of(const Session& session) {
  std::vector<Tensor> results;
  for (const PlanOutput& output : session.plan().outputs) {
    results.push_back(output.instruction ? session.stacked(output.name).value()
                                         : session.last(output.name).value());
  }
  for (const PlanState& state : session.plan().states) {
    results.push_back(session.state(state.name).value());
  }
  return results;
}

}  // namespace graphc
