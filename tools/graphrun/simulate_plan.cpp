#include "tools/graphrun/simulate_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/console.h"
#include "runtime/observe/timeline_text.h"
#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"

namespace graphrun {
namespace {

/// A longer timeline is neither read by anybody nor cheap to hold.
constexpr int64_t kMaxSimulatedInstructions = 5'000'000;

}  // namespace

graphrt::Result<void> simulate_plan(const Options& options) {
  TRY(const graphrt::Plan plan, graphrt::read_plan(options.plan));
  if (const auto violation = graphrt::verify_plan(plan)) {
    return graphrt::input_error(options.plan.string() +
                                ": the plan is not safe to run: " + violation->message);
  }
  const int64_t max_steps = kMaxSimulatedInstructions /
                            std::max<int64_t>(static_cast<int64_t>(plan.instructions.size()), 1);
  if (options.num_steps > max_steps) {
    return graphrt::usage_error(fmt::format(
        "--simulate prints every instruction of every step; for this plan, up to --steps={}",
        max_steps));
  }
  graphrt::report(graphrt::predicted_timeline_text(plan, options.num_steps));
  return {};
}

}  // namespace graphrun
