#include "runtime/proof/verify_launches.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "runtime/op/op_table.h"
#include "runtime/plan/plan_names.h"
#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/structure_violation.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;
using Launch = std::span<const InstructionId>;

class LaunchChecker {
 public:
  LaunchChecker(const Plan& plan, const IdVector<InstructionId, LanePosition>& positions)
      : plan_(plan), positions_(positions) {}

  Violation find() const {
    for (const PlanLane& lane : plan_.lanes) {
      const Launch all = lane.instructions;
      for (size_t begin = 0; begin < all.size();) {
        size_t end = begin + 1;
        while (end < all.size() && plan_.instructions[all[end]].is_joined) ++end;
        if (Violation violation = check_launch(all.subspan(begin, end - begin))) return violation;
        begin = end;
      }
    }
    for (const InstructionId id : plan_.instructions.ids()) {
      if (Violation violation = check_waits(id)) return violation;
    }
    return std::nullopt;
  }

 private:
  PlanViolation fault(InstructionId id, std::string_view message) const {
    return structure_violation(plan_, positions_, id, message);
  }

  Violation check_launch(Launch launch) const {
    const Instruction& first = plan_.instructions[launch.front()];
    if (first.is_joined) return fault(launch.front(), "is joined to nothing: its lane begins here");
    if (launch.size() > kMaxOpsInLaunch) {
      return fault(launch.front(),
                   fmt::format("starts a launch of {} instructions; {} are possible", launch.size(),
                               kMaxOpsInLaunch));
    }
    for (size_t i = 1; i < launch.size(); ++i) {
      const Instruction& instruction = plan_.instructions[launch[i]];
      if (first.kind != InstructionKind::kKernel || instruction.kind != first.kind) {
        return fault(launch[i], "is joined, and not a kernel behind a kernel");
      }
      if (instruction.stage != first.stage) {
        return fault(launch[i],
                     fmt::format("is joined to '{}', which is of another stage", first.name));
      }
      if (!instruction.waits.empty()) {
        return fault(launch[i], "is joined and waits; the first of a launch waits for all");
      }
      for (const InstructionId other : launch.first(i)) {
        if (Violation violation = check_apart(launch[i], other)) return violation;
      }
    }
    return std::nullopt;
  }

  Violation check_apart(InstructionId a, InstructionId b) const {
    if (touches_result(a, b)) return not_apart(a, b);
    if (touches_result(b, a)) return not_apart(b, a);
    return std::nullopt;
  }

  PlanViolation not_apart(InstructionId id, InstructionId writer) const {
    PlanViolation violation =
        fault(id, fmt::format("touches bytes that {} writes in the same launch",
                              name_with_lane(plan_, positions_, writer)));
    violation.second = writer;
    return violation;
  }

  /// In any version: a launch may meet each of them.
  bool touches_result(InstructionId id, InstructionId writer) const {
    const Instruction& instruction = plan_.instructions[id];
    const std::vector<BufferRegion> written = regions_written(writer);
    const auto meets = [&](const BufferRegion& region) {
      return std::any_of(written.begin(), written.end(), [&](const BufferRegion& other) {
        return !BufferOverlap(region, other).is_empty();
      });
    };
    const std::vector<BufferRegion> own = regions_written(id);
    return std::any_of(own.begin(), own.end(), meets) ||
           std::any_of(instruction.reads.begin(), instruction.reads.end(),
                       [&](const Operand& read) {
                         return meets(region_of(plan_.buffers[read.buffer], read.rows));
                       });
  }

  std::vector<BufferRegion> regions_written(InstructionId writer) const {
    const Instruction& instruction = plan_.instructions[writer];
    std::vector<BufferRegion> regions;
    for (const BufferId buffer : written_buffers(instruction)) {
      regions.push_back(region_of(plan_.buffers[buffer], written_rows(instruction, buffer)));
    }
    return regions;
  }

  Violation check_waits(InstructionId id) const {
    for (const Wait& wait : plan_.instructions[id].waits) {
      const auto& lane = plan_.lanes[wait.lane].instructions;
      const auto next = static_cast<size_t>(wait.count);
      if (next == lane.size() || !plan_.instructions[lane[next]].is_joined) continue;
      PlanViolation violation =
          fault(id, fmt::format("waits for '{}', but not for all of its launch",
                                plan_.instructions[lane[next - 1]].name));
      violation.second = lane[next];
      return violation;
    }
    return std::nullopt;
  }

  const Plan& plan_;
  const IdVector<InstructionId, LanePosition>& positions_;
};

}  // namespace

std::optional<PlanViolation> find_launch_violation(
    const Plan& plan, const IdVector<InstructionId, LanePosition>& positions) {
  return LaunchChecker(plan, positions).find();
}

}  // namespace graphrt
