#include "runtime/proof/verify_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/plan/plan_names.h"
#include "runtime/proof/buffer_lives.h"
#include "runtime/proof/buffer_overlap.h"
#include "runtime/proof/happens_before.h"
#include "runtime/proof/in_place.h"
#include "runtime/proof/plan_order.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

/// One use of a buffer.
struct Access {
  InstructionId instruction;
  BufferId buffer;
  BufferRegion region;
  bool is_write = false;
};

/// No query below asks about a larger distance than this (docs/verification.md).
int32_t horizon_of(const Plan& plan) {
  int32_t versions = 1;
  int32_t distance = 0;
  for (const PlanBuffer& buffer : plan.buffers) versions = std::max(versions, buffer.versions);
  for (const Instruction& instruction : plan.instructions) {
    for (const Operand& operand : instruction.reads) {
      distance = std::max(distance, operand.distance);
    }
  }
  return versions + distance + max_stage(plan);
}

class OrderChecker {
 public:
  OrderChecker(const Plan& plan, const LaneProgram& program)
      : plan_(plan),
        order_(plan, program, horizon_of(plan)),
        uses_(plan),
        residents_(plan.buffers.size()) {
    for (const PlanOutput& output : plan.outputs) {
      if (!output.instruction) residents_[output.value.buffer].push_back(&output);
    }
  }

  Violation find() const {
    for (const BufferId buffer : plan_.buffers.ids()) {
      for (const ProducedRead& read : uses_.reads[buffer]) {
        if (Violation violation = check_own_write(read)) return violation;
        // Of this buffer, nobody else writes those rows.
        if (Violation violation = check_other(read, buffer, read.producer)) return violation;
      }
    }
    for (const std::vector<BufferId>& group : groups_by_place(plan_)) {
      if (Violation violation = check_group(group)) return violation;
    }
    return std::nullopt;
  }

 private:
  BufferRegion region_of_read(const ProducedRead& read) const {
    return region_between(*read.operand, read.producer);
  }

  /// What `operand` reads of what `producer` writes.
  BufferRegion region_between(const Operand& operand, InstructionId producer) const {
    const PlanBuffer& buffer = plan_.buffers[operand.buffer];
    const std::optional<RowRange> written =
        written_rows(plan_.instructions[producer], operand.buffer);
    if (!operand.rows && !written) return region_of(buffer);
    return region_of(buffer, common_rows(rows_or_all(buffer.type, operand.rows),
                                         rows_or_all(buffer.type, written)));
  }

  BufferRegion region_written(InstructionId writer, BufferId buffer) const {
    return region_of(plan_.buffers[buffer], written_rows(plan_.instructions[writer], buffer));
  }

  int32_t stage(InstructionId id) const { return plan_.instructions[id].stage; }

  /// The named write comes before the read.
  Violation check_own_write(const ProducedRead& read) const {
    const InstructionId producer = read.producer;
    const int32_t span = span_of(plan_, read);
    if (order_.is_ordered(producer, read.reader, span)) return std::nullopt;
    const BufferId buffer = read.operand->buffer;
    if (!order_.is_ordered_either_way(producer, read.reader, span)) {
      return race({producer, buffer, region_of_read(read), true},
                  {read.reader, buffer, region_of_read(read), false}, span, 0);
    }
    return violation(
        PlanViolationKind::kStaleRead, producer, read.reader,
        fmt::format("{} reads {} before {} has written what it names, at distance {}",
                    name(read.reader),
                    bytes(region_of_read(read), buffer, region_of_read(read), buffer, 0),
                    name(producer), span));
  }

  /// No instance of a writer of `other` can come between the write that a read names and the
  /// read. With the write in interval t, the read is in interval t + span; every instance in an
  /// interval t + m that touches the bytes is before the write or after the read. Beyond one period
  /// on either side, order only grows.
  Violation check_others(const ProducedRead& read, BufferId other) const {
    for (const InstructionId writer : uses_.writers[other]) {
      if (Violation violation = check_other(read, other, writer)) return violation;
    }
    return std::nullopt;
  }

  Violation check_other(const ProducedRead& read, BufferId other, InstructionId writer) const {
    const BufferOverlap overlap(region_of_read(read), region_written(writer, other));
    if (overlap.is_empty()) return std::nullopt;
    const InstructionId producer = read.producer;
    const int32_t span = span_of(plan_, read);
    const int32_t shift = stage(producer) - stage(writer);
    for (int32_t m = -overlap.period(); m <= span + overlap.period(); ++m) {
      if (!overlap.meets(m + shift)) continue;
      if (writer == producer && m == 0) continue;
      if (writer == read.reader && m == span) {
        if (Violation violation = check_in_place(read, other)) return violation;
        continue;
      }
      if (order_.is_ordered(writer, producer, -m) ||
          order_.is_ordered(read.reader, writer, m - span))
        continue;
      return overwritten(read, other, writer, m, m + shift);
    }
    return std::nullopt;
  }

  /// An instruction may write over what it reads if the operator allows it, byte for byte.
  Violation check_in_place(const ProducedRead& read, BufferId written) const {
    if (may_write_over(plan_, read.reader, *read.operand, written)) return std::nullopt;
    const Instruction& instruction = plan_.instructions[read.reader];
    const BufferRegion from = region_of(plan_.buffers[read.operand->buffer], read.operand->rows);
    return violation(
        PlanViolationKind::kRace, read.reader, read.reader,
        fmt::format("{} reads and writes {} at once, which {} cannot do in place",
                    name(read.reader),
                    bytes(from, read.operand->buffer, region_written(read.reader, written), written,
                          read.operand->distance),
                    instruction.kind == InstructionKind::kKernel ? "'" + instruction.op + "'"
                                                                 : std::string("a copy")));
  }

  Violation overwritten(const ProducedRead& read, BufferId other, InstructionId writer, int32_t m,
                        int32_t difference) const {
    const BufferId buffer = read.operand->buffer;
    const InstructionId producer = read.producer;
    const Access write{writer, other, region_written(writer, other), true};
    const int32_t span = span_of(plan_, read);
    if (!order_.is_ordered_either_way(read.reader, writer, m - span)) {
      return race({read.reader, buffer, region_of_read(read), false}, write, m - span, difference);
    }
    if (writer != producer && !order_.is_ordered_either_way(producer, writer, m)) {
      return race({producer, buffer, region_of_read(read), true}, write, m, difference);
    }
    return violation(
        PlanViolationKind::kStaleRead, read.reader, writer,
        fmt::format("{} writes {} after {} has and before {} reads it, {} intervals later",
                    name(writer),
                    bytes(region_of_read(read), buffer, write.region, other, difference),
                    name(producer), name(read.reader), span - m));
  }

  /// Buffers that share bytes, and others that those share bytes with.
  Violation check_group(const std::vector<BufferId>& group) const {
    if (group.size() == 1) return std::nullopt;
    if (lives_follow_each_other(plan_, uses_, order_, group)) return check_residents(group);
    return find_in_overlaps(plan_, group, [&](BufferId a, BufferId b) { return check_pair(a, b); });
  }

  Violation check_pair(BufferId a, BufferId b) const {
    const BufferOverlap overlap(region_of(plan_.buffers[a]), region_of(plan_.buffers[b]));
    if (overlap.is_empty()) return std::nullopt;
    for (const ProducedRead& read : uses_.reads[a]) {
      if (Violation violation = check_others(read, b)) return violation;
    }
    for (const ProducedRead& read : uses_.reads[b]) {
      if (Violation violation = check_others(read, a)) return violation;
    }
    for (const InstructionId x : uses_.writers[a]) {
      for (const InstructionId y : uses_.writers[b]) {
        if (Violation violation = check_writes({x, a, region_written(x, a), true},
                                               {y, b, region_written(y, b), true})) {
          return violation;
        }
      }
    }
    if (Violation violation = check_residents(a, b)) return violation;
    return check_residents(b, a);
  }

  /// Two writes to the same bytes are ordered, whoever reads them.
  Violation check_writes(const Access& x, const Access& y) const {
    const BufferOverlap overlap(x.region, y.region);
    if (overlap.is_empty()) return std::nullopt;
    const int32_t shift = stage(x.instruction) - stage(y.instruction);
    for (int32_t k = -overlap.period(); k <= overlap.period(); ++k) {
      if (!overlap.meets(k + shift)) continue;
      if (order_.is_ordered_either_way(x.instruction, y.instruction, k)) continue;
      return race(x, y, k, k + shift);
    }
    return std::nullopt;
  }

  Violation check_residents(const std::vector<BufferId>& group) const {
    for (const BufferId buffer : group) {
      for (const BufferId other : group) {
        if (residents_[buffer].empty()) break;
        if (other == buffer) continue;
        if (Violation violation = check_residents(buffer, other)) return violation;
      }
    }
    return std::nullopt;
  }

  Violation check_residents(BufferId buffer, BufferId other) const {
    for (const PlanOutput* output : residents_[buffer]) {
      if (Violation violation = check_resident(*output, other)) return violation;
    }
    return std::nullopt;
  }

  /// A value that stays in its buffer after the last step: every write of a step up to the last to
  /// those bytes is before the write of the last.
  Violation check_resident(const PlanOutput& output, BufferId other) const {
    for (const InstructionId producer : output.value.producers) {
      for (const InstructionId writer : uses_.writers[other]) {
        if (Violation violation = check_resident(output, producer, other, writer)) return violation;
      }
    }
    return std::nullopt;
  }

  Violation check_resident(const PlanOutput& output, InstructionId producer, BufferId other,
                           InstructionId writer) const {
    const BufferRegion kept = region_between(output.value, producer);
    const BufferRegion written = region_written(writer, other);
    const BufferOverlap overlap(kept, written);
    if (overlap.is_empty()) return std::nullopt;
    const int32_t latest = stage(writer) - stage(producer);
    for (int32_t m = latest; m > latest - overlap.period(); --m) {
      if (!overlap.meets(m - latest) || order_.is_ordered(writer, producer, -m)) continue;
      return violation(
          PlanViolationKind::kStaleRead, producer, writer,
          fmt::format("{} can write {} after {} has written output '{}' of the last step",
                      name(writer), bytes(kept, output.value.buffer, written, other, m - latest),
                      name(producer), output.name));
    }
    return std::nullopt;
  }

  static PlanViolation violation(PlanViolationKind kind, InstructionId first, InstructionId second,
                                 std::string_view message) {
    const char* prefix = kind == PlanViolationKind::kRace ? "race" : "stale read";
    return {.kind = kind,
            .first = first,
            .second = second,
            .message = fmt::format("{}: {}", prefix, message)};
  }

  /// `distance` leads from x to y; `difference` from the version of x to that of y.
  PlanViolation race(const Access& x, const Access& y, int32_t distance, int32_t difference) const {
    if (distance < 0) return race(y, x, -distance, -difference);
    const auto verb = [](const Access& access) { return access.is_write ? "writes" : "reads"; };
    return violation(
        PlanViolationKind::kRace, x.instruction, y.instruction,
        fmt::format("{} {} and {} {} {} with no order at distance {}{}", name(x.instruction),
                    verb(x), name(y.instruction), verb(y),
                    bytes(x.region, x.buffer, y.region, y.buffer, difference), distance,
                    hint_of_arrival(x.instruction, y.instruction, distance)));
  }

  /// Where the other host's answer is taken for a sign that sent bytes may be overwritten.
  std::string hint_of_arrival(InstructionId send, InstructionId writer, int32_t distance) const {
    if (plan_.instructions[send].kind != InstructionKind::kSend) return "";
    const Position& place = order_.place(send);
    const PlanLane& lane = plan_.lanes[place.lane];
    const InstructionId receive =
        plan_.lanes[*lane.peer].instructions[static_cast<size_t>(place.index)];
    if (!order_.is_ordered(receive, writer, distance)) return "";
    return fmt::format(
        "; the message's arrival on host '{}' does not say that its buffer on host '{}' is free: "
        "wait for lane '{}'",
        plan_.hosts[host_of(plan_, *lane.peer)], plan_.hosts[host_of(plan_, place.lane)],
        lane.name);
  }

  std::string name(InstructionId id) const {
    return name_with_lane(plan_, lane_positions(plan_), id);
  }

  /// The bytes two accesses share: within a buffer from its start, else within the arena.
  std::string bytes(const BufferRegion& x, BufferId a, const BufferRegion& y, BufferId b,
                    int32_t difference) const {
    const PlanBuffer& buffer = plan_.buffers[a];
    const ByteRange range = BufferOverlap::common_bytes(x, y, difference);
    if (a == b) {
      return fmt::format("bytes [{}, {}) of buffer '{}'", range.begin - buffer.offset_bytes,
                         range.end - buffer.offset_bytes, buffer.name);
    }
    return fmt::format("bytes [{}, {}) of arena {} ({}), shared by buffers '{}' and '{}',",
                       range.begin, range.end, buffer.arena.value(),
                       plan_.devices[plan_.arenas[buffer.arena].device].name, buffer.name,
                       plan_.buffers[b].name);
  }

  const Plan& plan_;
  PlanOrder order_;
  BufferUses uses_;
  IdVector<BufferId, std::vector<const PlanOutput*>> residents_;
};

Violation find_excess(const Plan& plan, const LaneProgram& program) {
  const size_t num_rows =
      HappensBefore::num_rows(program) * static_cast<size_t>(horizon_of(plan) + 1);
  if (plan.lanes.empty() || num_rows <= kMaxOrderCounters / plan.lanes.size()) return std::nullopt;
  return PlanViolation{
      .kind = PlanViolationKind::kStructure,
      .first = {},
      .second = {},
      .message = fmt::format("structure: {} instructions on {} lanes with up to {} steps in flight "
                             "are too many to verify",
                             plan.instructions.size(), plan.lanes.size(), horizon_of(plan))};
}

Violation find_deadlock_violation(const Plan& plan, const LaneProgram& program) {
  const std::vector<Position> cycle = find_deadlock(program);
  if (cycle.empty()) return std::nullopt;
  const auto positions = lane_positions(plan);
  const auto id_of = [&](const Position& at) {
    return plan.lanes[at.lane].instructions[static_cast<size_t>(at.index)];
  };
  std::string message = "deadlock: " + name_with_lane(plan, positions, id_of(cycle.front()));
  for (size_t i = 0; i < cycle.size(); ++i) {
    const bool is_last = i + 1 == cycle.size();
    const Position& next = is_last ? cycle.front() : cycle[i + 1];
    const bool is_pair = plan.lanes[cycle[i].lane].peer == next.lane;
    message += !is_pair ? " waits for " : is_last ? ", whose other end is " : ", whose other end ";
    message += name_with_lane(plan, positions, id_of(next));
  }
  message += ", all in the same interval";
  return PlanViolation{.kind = PlanViolationKind::kDeadlock,
                       .first = id_of(cycle.front()),
                       .second = id_of(cycle.size() > 1 ? cycle[1] : cycle[0]),
                       .message = message};
}

}  // namespace

std::optional<PlanViolation> find_order_violation(const Plan& plan) {
  const LaneProgram program = lane_program(plan);
  if (Violation violation = find_excess(plan, program)) return violation;
  if (Violation violation = find_deadlock_violation(plan, program)) return violation;
  return OrderChecker(plan, program).find();
}

}  // namespace graphrt
