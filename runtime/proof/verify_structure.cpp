#include "runtime/proof/verify_structure.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runtime/op/op_table.h"
#include "runtime/plan/check_references.h"
#include "runtime/plan/plan_names.h"
#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/structure_violation.h"
#include "runtime/proof/verify_hosts.h"
#include "runtime/proof/verify_launches.h"
#include "runtime/proof/verify_memory.h"
#include "runtime/proof/verify_types.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

LaneKind lane_of(InstructionKind kind) {
  switch (kind) {
    case InstructionKind::kKernel:
      return LaneKind::kCompute;
    case InstructionKind::kCopy:
      return LaneKind::kLink;
    case InstructionKind::kFeed:
      return LaneKind::kFeed;
    case InstructionKind::kSend:
      return LaneKind::kSend;
    case InstructionKind::kReceive:
      return LaneKind::kReceive;
    case InstructionKind::kOutput:
      break;
  }
  return LaneKind::kOutput;
}

/// Its methods find one kind of fault each, and rely on those called before them.
class StructureChecker {
 public:
  explicit StructureChecker(const Plan& plan)
      : plan_(plan),
        is_initial_(plan.buffers.size()),
        is_state_(plan.buffers.size()),
        is_scratch_(plan.buffers.size()),
        writers_(plan.buffers.size()) {}

  Violation find() {
    if (auto broken = find_broken_reference(plan_)) return structure_violation(*broken);
    if (Violation violation = find_host_violation(plan_)) return violation;
    if (Violation violation = check_each_on_one_lane()) return violation;
    positions_ = lane_positions(plan_);
    if (Violation violation = find_memory_violation(plan_)) return violation;
    if (Violation violation = check_initial_content()) return violation;
    if (Violation violation = check_writers()) return violation;
    for (const InstructionId id : plan_.instructions.ids()) {
      if (Violation violation = check_instruction(id)) return violation;
    }
    if (Violation violation = find_pair_violation(plan_, positions_)) return violation;
    if (Violation violation = find_unpinned_copy(plan_, positions_)) return violation;
    if (Violation violation = find_launch_violation(plan_, positions_)) return violation;
    if (Violation violation = check_initial_bytes()) return violation;
    if (Violation violation = check_outputs()) return violation;
    if (Violation violation = check_names()) return violation;
    return check_features();
  }

 private:
  PlanViolation fault(InstructionId id, std::string_view message) const {
    return structure_violation(plan_, positions_, id, message);
  }

  DeviceId device_of(BufferId buffer) const {
    return plan_.arenas[plan_.buffers[buffer].arena].device;
  }
  const std::string& name_of(DeviceId device) const { return plan_.devices[device].name; }
  const std::string& name_of(BufferId buffer) const { return plan_.buffers[buffer].name; }

  Violation check_each_on_one_lane() const {
    IdVector<InstructionId, int32_t> num_places(plan_.instructions.size());
    for (const PlanLane& lane : plan_.lanes) {
      for (const InstructionId id : lane.instructions) ++num_places[id];
    }
    for (const InstructionId id : plan_.instructions.ids()) {
      if (num_places[id] == 1) continue;
      PlanViolation violation = structure_violation(
          fmt::format("'{}' stands {} times in the lanes; it must stand there once",
                      plan_.instructions[id].name, num_places[id]));
      violation.first = id;
      return violation;
    }
    return std::nullopt;
  }

  Violation fill(BufferId buffer, const std::string& name, const TensorType* type,
                 int64_t size_bytes) {
    if (is_initial_[buffer]) {
      return structure_violation(
          fmt::format("buffer '{}' is filled at load twice", name_of(buffer)));
    }
    is_initial_[buffer] = true;
    const TensorType& actual = plan_.buffers[buffer].type;
    if ((type == nullptr || *type == actual) && actual.size_bytes() == size_bytes) {
      return std::nullopt;
    }
    return structure_violation(
        fmt::format("buffer '{}' of type {} is filled at load from '{}', which has {}",
                    name_of(buffer), to_string(actual), name,
                    type != nullptr ? to_string(*type) : std::to_string(size_bytes) + " bytes"));
  }

  Violation check_initial_content() {
    for (const PlanState& state : plan_.states) {
      if (state.buffers.empty()) {
        return structure_violation(fmt::format("state '{}' has no buffer", state.name));
      }
      const int64_t size_bytes = state.type.size_bytes();
      const auto num_bytes = static_cast<int64_t>(state.initializer.data.size());
      if (state.initializer.kind == InitializerKind::kData && num_bytes != size_bytes) {
        return structure_violation(
            fmt::format("state '{}' of {} bytes starts from {} bytes of data", state.name,
                        size_bytes, num_bytes));
      }
      for (const BufferId buffer : state.buffers) {
        if (Violation violation = fill(buffer, state.name, &state.type, size_bytes)) {
          return violation;
        }
        is_state_[buffer] = true;
      }
      if (Violation violation = check_saved(state)) return violation;
    }
    for (const PlanConstant& constant : plan_.constants) {
      const auto size_bytes = static_cast<int64_t>(constant.data.size());
      for (const BufferId buffer : constant.buffers) {
        if (Violation violation = fill(buffer, constant.name, nullptr, size_bytes)) {
          return violation;
        }
      }
    }
    return std::nullopt;
  }

  /// Rank 0 saves states: it takes its own buffer, where it has one.
  Violation check_saved(const PlanState& state) const {
    const HostId saver = host_of(plan_, state.buffers.front());
    if (saver == HostId(0)) return std::nullopt;
    for (const BufferId buffer : state.buffers) {
      if (host_of(plan_, buffer) != HostId(0)) continue;
      return structure_violation(
          fmt::format("state '{}' is saved from a buffer of host '{}', and has one on host '{}'",
                      state.name, plan_.hosts[saver], plan_.hosts[HostId(0)]));
    }
    return std::nullopt;
  }

  Violation check_writers() {
    for (const InstructionId id : plan_.instructions.ids()) {
      const Instruction& instruction = plan_.instructions[id];
      if (instruction.scratch) is_scratch_[*instruction.scratch] = true;
      for (const BufferId buffer : written_buffers(instruction)) {
        if (!is_initial_[buffer]) continue;
        if (buffer == instruction.scratch) {
          return fault(id, fmt::format("has buffer '{}' of a first value as scratch memory",
                                       name_of(buffer)));
        }
        if (!is_state_[buffer]) {
          return fault(id, fmt::format("writes buffer '{}' of a constant", name_of(buffer)));
        }
      }
    }
    writers_ = writers_of_buffers(plan_);
    for (const BufferId buffer : plan_.buffers.ids()) {
      if (Violation violation = check_rows_written(buffer)) return violation;
    }
    return std::nullopt;
  }

  /// Every row has one writer; of a batch that a host feeds, every row from the first to the last
  /// that it wants.
  Violation check_rows_written(BufferId buffer) const {
    if (writers_[buffer].empty()) return std::nullopt;
    const TensorType& type = plan_.buffers[buffer].type;
    const bool is_fed = is_fed_only(buffer);
    int64_t next = is_fed ? fed_rows(buffer).begin : 0;
    std::optional<InstructionId> previous;
    for (const InstructionId id : writers_[buffer]) {
      const RowRange rows = rows_or_all(type, written_rows(plan_.instructions[id], buffer));
      if (rows.begin < next) {
        return written_twice(buffer, rows.begin, *previous, id);
      }
      if (rows.begin > next) return row_unwritten(buffer, next);
      next = rows.end;
      previous = id;
    }
    if (!is_fed && next < rows_or_all(type, {}).end) return row_unwritten(buffer, next);
    return std::nullopt;
  }

  bool is_fed_only(BufferId buffer) const {
    return std::all_of(writers_[buffer].begin(), writers_[buffer].end(), [&](InstructionId id) {
      return plan_.instructions[id].kind == InstructionKind::kFeed;
    });
  }

  /// Requires: feeds alone write the buffer, and they do.
  RowRange fed_rows(BufferId buffer) const {
    const TensorType& type = plan_.buffers[buffer].type;
    const auto rows_of = [&](InstructionId id) {
      return rows_or_all(type, plan_.instructions[id].rows);
    };
    return {rows_of(writers_[buffer].front()).begin, rows_of(writers_[buffer].back()).end};
  }

  /// Whether the operand has a row that nothing ever writes.
  bool reads_unfed_rows(const Operand& operand) const {
    if (writers_[operand.buffer].empty() || !is_fed_only(operand.buffer)) return false;
    const RowRange rows = rows_or_all(plan_.buffers[operand.buffer].type, operand.rows);
    const RowRange fed = fed_rows(operand.buffer);
    return rows.begin < fed.begin || rows.end > fed.end;
  }

  PlanViolation written_twice(BufferId buffer, int64_t row, InstructionId first,
                              InstructionId second) const {
    const bool is_whole = !plan_.instructions[first].rows && !plan_.instructions[second].rows;
    const std::string part = is_whole ? "" : fmt::format("row {} of ", row);
    PlanViolation violation =
        fault(second, fmt::format("writes {}buffer '{}', as does {}; a {} has one writer", part,
                                  name_of(buffer), name_with_lane(plan_, positions_, first),
                                  is_whole ? "buffer" : "row"));
    violation.second = first;
    return violation;
  }

  PlanViolation row_unwritten(BufferId buffer, int64_t row) const {
    return structure_violation(
        fmt::format("nothing writes row {} of buffer '{}', but others of its rows "
                    "have writers",
                    row, name_of(buffer)));
  }

  Violation check_instruction(InstructionId id) const {
    const Instruction& instruction = plan_.instructions[id];
    const PlanLane& lane = plan_.lanes[positions_[id].lane];
    if (lane.kind != lane_of(instruction.kind)) {
      return fault(id,
                   fmt::format("is of kind '{}', but its lane is of kind '{}'",
                               graphrt::name_of(instruction.kind), graphrt::name_of(lane.kind)));
    }
    if (instruction.predicted_end_ns < instruction.predicted_start_ns) {
      return fault(id, "is predicted to end before it starts");
    }
    if (Violation violation = check_arity(id)) return violation;
    if (Violation violation = find_crossing(plan_, positions_, id)) return violation;
    for (const Operand& operand : instruction.reads) {
      if (Violation violation = check_operand(id, operand)) return violation;
      if (device_of(operand.buffer) == lane.device) continue;
      return fault(id, fmt::format("reads buffer '{}' on '{}'; its lane reads from '{}'",
                                   name_of(operand.buffer), name_of(device_of(operand.buffer)),
                                   name_of(lane.device)));
    }
    for (const BufferId buffer : written_buffers(instruction)) {
      if (device_of(buffer) == lane.destination) continue;
      return fault(
          id, fmt::format("writes buffer '{}' on '{}'; its lane writes to '{}'", name_of(buffer),
                          name_of(device_of(buffer)), name_of(lane.destination)));
    }
    return find_type_violation(plan_, positions_, id);
  }

  Violation check_arity(InstructionId id) const {
    const Instruction& instruction = plan_.instructions[id];
    const InstructionKind kind = instruction.kind;
    const bool only_reads = kind == InstructionKind::kOutput || kind == InstructionKind::kSend;
    if (instruction.writes.empty() != only_reads) {
      return fault(id, only_reads ? fmt::format("is of kind '{}' and writes a buffer",
                                                graphrt::name_of(kind))
                                  : "writes no buffer");
    }
    if (kind != InstructionKind::kKernel && instruction.writes.size() > 1) {
      return fault(id, fmt::format("is of kind '{}' and writes {} buffers", graphrt::name_of(kind),
                                   instruction.writes.size()));
    }
    if (kind != InstructionKind::kKernel && instruction.scratch) {
      return fault(id, "has scratch memory, but no operator");
    }
    if (instruction.input.has_value() != (kind == InstructionKind::kFeed)) {
      return fault(id, kind == InstructionKind::kFeed ? "is a feed of no input"
                                                      : "names an input, and is no feed");
    }
    const size_t num_reads = instruction.reads.size();
    const bool only_writes = kind == InstructionKind::kFeed || kind == InstructionKind::kReceive;
    const size_t wanted = only_writes ? 0 : 1;
    if (kind == InstructionKind::kKernel || num_reads == wanted) return std::nullopt;
    return fault(id, fmt::format("is of kind '{}' and reads {} buffers; it must read {}",
                                 graphrt::name_of(kind), num_reads, wanted));
  }

  std::vector<InstructionId> writers_of(const Operand& operand) const {
    return producers_of_rows(plan_, operand.buffer, operand.rows, writers_[operand.buffer]);
  }

  std::string names_of(const std::vector<InstructionId>& ids) const {
    if (ids.empty()) return "nobody";
    std::vector<std::string> names;
    for (const InstructionId id : ids) names.push_back(name_with_lane(plan_, positions_, id));
    return fmt::format("{}", fmt::join(names, ", "));
  }

  Violation check_operand(InstructionId id, const Operand& operand) const {
    const std::string& buffer = name_of(operand.buffer);
    if (is_scratch_[operand.buffer]) {
      return fault(id, fmt::format("reads buffer '{}', which is scratch memory", buffer));
    }
    const std::vector<InstructionId> writers = writers_of(operand);
    if (operand.producers != writers) {
      return fault(id, fmt::format("reads from buffer '{}' what {} wrote, but its writer is {}",
                                   buffer, names_of(operand.producers), names_of(writers)));
    }
    if (reads_unfed_rows(operand)) {
      return fault(id, fmt::format("reads rows of buffer '{}' that nobody feeds", buffer));
    }
    if (writers.empty()) {
      if (is_initial_[operand.buffer]) return std::nullopt;
      return fault(id, fmt::format("reads buffer '{}', which nothing writes and nothing fills at "
                                   "load",
                                   buffer));
    }
    if (operand.distance == 0) {
      if (std::find(writers.begin(), writers.end(), id) == writers.end()) return std::nullopt;
      return fault(id, fmt::format("reads what it writes to buffer '{}' in the same step", buffer));
    }
    if (!is_state_[operand.buffer]) {
      return fault(id, fmt::format("reads buffer '{}' of an earlier step, which has no first value:"
                                   " it is no state",
                                   buffer));
    }
    // Also a run that starts later, after all of the run before it, must find the version intact.
    const int32_t versions = plan_.buffers[operand.buffer].versions;
    if (operand.distance <= versions) return std::nullopt;
    return fault(id, fmt::format("reads buffer '{}' of {} steps before, which has {} versions",
                                 buffer, operand.distance, versions));
  }

  Violation check_initial_bytes() const {
    const auto shares = [&](BufferId a, BufferId b) -> Violation {
      if (!is_initial_[a] && !is_initial_[b]) return std::nullopt;
      const BufferOverlap overlap(region_of(plan_.buffers[a]), region_of(plan_.buffers[b]));
      if (overlap.is_empty()) return std::nullopt;
      return structure_violation(
          fmt::format("buffer '{}' is filled at load and shares bytes with '{}'",
                      name_of(is_initial_[a] ? a : b), name_of(is_initial_[a] ? b : a)));
    };
    for (const std::vector<BufferId>& group : groups_by_place(plan_)) {
      const bool has_initial = std::any_of(group.begin(), group.end(),
                                           [&](BufferId id) { return is_initial_[id] != 0; });
      if (!has_initial) continue;
      if (Violation violation = find_in_overlaps(plan_, group, shares)) return violation;
    }
    return std::nullopt;
  }

  Violation check_outputs() const {
    IdVector<InstructionId, int32_t> num_outputs(plan_.instructions.size());
    for (const PlanOutput& output : plan_.outputs) {
      if (Violation violation = check_output(output)) return violation;
      if (output.instruction) ++num_outputs[*output.instruction];
    }
    for (const InstructionId id : plan_.instructions.ids()) {
      if (plan_.instructions[id].kind != InstructionKind::kOutput || num_outputs[id] == 1) continue;
      return fault(id, fmt::format("hands out {} outputs; it must hand out one", num_outputs[id]));
    }
    return std::nullopt;
  }

  Violation check_output(const PlanOutput& output) const {
    if (output.value.shape) {
      return structure_violation(fmt::format("output '{}' is buffer '{}' in another shape",
                                             output.name, name_of(output.value.buffer)));
    }
    if (output.value.rows) {
      return structure_violation(
          fmt::format("output '{}' is some rows of buffer '{}'; it must be all of it", output.name,
                      name_of(output.value.buffer)));
    }
    if (output.instruction) {
      const Instruction& instruction = plan_.instructions[*output.instruction];
      if (instruction.kind == InstructionKind::kOutput && instruction.reads[0] == output.value) {
        return std::nullopt;
      }
      return fault(*output.instruction,
                   fmt::format("does not read what output '{}' names", output.name));
    }
    const Operand& value = output.value;
    const PlanBuffer& buffer = plan_.buffers[value.buffer];
    if (host_of(plan_, value.buffer) != HostId(0)) {
      return structure_violation(fmt::format("output '{}' stays on host '{}'; host '{}' hands out",
                                             output.name, plan_.hosts[host_of(plan_, value.buffer)],
                                             plan_.hosts[HostId(0)]));
    }
    if (is_scratch_[value.buffer]) {
      return structure_violation(fmt::format(
          "output '{}' names buffer '{}', which is scratch memory", output.name, buffer.name));
    }
    if (value.producers != writers_of(value) || reads_unfed_rows(value) ||
        (value.producers.empty() && !is_initial_[value.buffer])) {
      return structure_violation(fmt::format("output '{}' does not name the writer of buffer '{}'",
                                             output.name, buffer.name));
    }
    if (value.distance == 0 || value.producers.empty()) return std::nullopt;
    if (is_state_[value.buffer] && value.distance < buffer.versions) return std::nullopt;
    return structure_violation(
        fmt::format("output '{}' names a value of {} steps before the last, which "
                    "buffer '{}' no longer holds",
                    output.name, value.distance, buffer.name));
  }

  template <class Items>
  static Violation check_unique(std::string_view what, const Items& items) {
    std::set<std::string_view> names;
    for (const auto& item : items) {
      if (names.insert(item.name).second) continue;
      return structure_violation(fmt::format("there are two {} of name '{}'", what, item.name));
    }
    return std::nullopt;
  }

  Violation check_names() const {
    if (Violation violation = check_unique("devices", plan_.devices)) return violation;
    if (Violation violation = check_unique("lanes", plan_.lanes)) return violation;
    if (Violation violation = check_unique("inputs", plan_.inputs)) return violation;
    if (Violation violation = check_unique("outputs", plan_.outputs)) return violation;
    return check_unique("states", plan_.states);
  }

  Violation check_features() const {
    const std::vector<std::string> needed = features_of(plan_);
    if (plan_.required_features == needed) return std::nullopt;
    return structure_violation(
        fmt::format("the plan says it needs the features [{}], but it needs [{}]",
                    fmt::join(plan_.required_features, ", "), fmt::join(needed, ", ")));
  }

  const Plan& plan_;
  IdVector<InstructionId, LanePosition> positions_;
  IdVector<BufferId, char> is_initial_;
  IdVector<BufferId, char> is_state_;
  IdVector<BufferId, char> is_scratch_;
  IdVector<BufferId, std::vector<InstructionId>> writers_;  // in the order of their rows
};

}  // namespace

std::optional<PlanViolation> find_structure_violation(const Plan& plan) {
  return StructureChecker(plan).find();
}

}  // namespace graphrt
