#pragma once

#include <string>
#include <vector>

#include "runtime/session/session.h"
#include "tests/property/compile/random_compilations.h"

/// Random graphs, run.
namespace graphc {

using graphrt::PlanOutput;
using graphrt::PlanState;
using graphrt::RunMode;
using graphrt::RunOptions;
using graphrt::Session;
using graphrt::SessionOptions;
using graphrt::Tensor;

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
