#include "runtime/observe/timeline_text.h"

#include <fmt/format.h>

#include <iterator>

#include "runtime/base/text.h"
#include "runtime/proof/simulate.h"

namespace graphrt {
namespace {

double microseconds(int64_t duration_ns) { return static_cast<double>(duration_ns) / 1e3; }

void append_lane(std::string& text, const Plan& plan, LaneId lane, const Timeline& timeline,
                 int64_t num_steps) {
  fmt::format_to(std::back_inserter(text), "{}:\n", plan.lanes[lane].name);
  const std::vector<InstructionId>& instructions = plan.lanes[lane].instructions;
  for (size_t interval = 0; interval < timeline.intervals.size(); ++interval) {
    for (size_t i = 0; i < instructions.size(); ++i) {
      const Instruction& instruction = plan.instructions[instructions[i]];
      const int64_t step = static_cast<int64_t>(interval) - instruction.stage;
      if (step < 0 || step >= num_steps) continue;
      const Span span = timeline.intervals[interval][lane][i];
      fmt::format_to(std::back_inserter(text), "  step {:<4} {:>12.3f} .. {:>12.3f} us  {}\n", step,
                     microseconds(span.start_ns), microseconds(span.end_ns), instruction.name);
    }
  }
}

}  // namespace

std::string predicted_timeline_text(const Plan& plan, int64_t num_steps) {
  const Timeline timeline = simulate(lane_program(plan), num_steps);
  std::string text;
  for (const LaneId lane : plan.lanes.ids()) {
    append_lane(text, plan, lane, timeline, num_steps);
  }
  fmt::format_to(std::back_inserter(text), "predicted: {} for {} step{}, {} a step in a long run\n",
                 format_duration(timeline.end_ns), num_steps, num_steps == 1 ? "" : "s",
                 format_duration(plan.predicted_interval_ns));
  return text;
}

}  // namespace graphrt
