#include "runtime/attack/shadow_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/op/op_table.h"
#include "runtime/plan/plan_names.h"
#include "runtime/proof/buffer_overlap.h"

namespace graphrt {
namespace {

using Fault = std::optional<AccessFault>;

/// The slot of a step, counted mathematically: that of step -1 is the last.
SegmentRange slot(const std::vector<SegmentRange>& versions, int64_t step) {
  const auto count = static_cast<int64_t>(versions.size());
  return versions[static_cast<size_t>((step % count + count) % count)];
}

bool contains(const SegmentRange& range, size_t segment) {
  return range.begin <= segment && segment < range.end;
}

SegmentRange segments_read(const ShadowLayout::Read& read, int64_t step) {
  return slot(read.versions, step - read.operand->distance);
}

}  // namespace

ShadowLayout::ShadowLayout(const Plan& plan)
    : plan_(plan),
      positions_(lane_positions(plan)),
      accesses_(plan.instructions.size()),
      segments_of_arena_(plan.arenas.size()) {
  cut();
  for (const InstructionId id : plan.instructions.ids()) {
    const Instruction& instruction = plan.instructions[id];
    for (const Operand& operand : instruction.reads) {
      accesses_[id].reads.push_back(read_of(instruction, operand));
    }
    for (const BufferId buffer : written_buffers(instruction)) {
      accesses_[id].writes.push_back(
          {buffer, versions_of(buffer, written_rows(instruction, buffer)), {}});
    }
  }
  for (const PlanOutput& output : plan.outputs) {
    if (output.instruction) continue;
    for (const InstructionId producer : output.value.producers) {
      for (Write& write : accesses_[producer].writes) {
        if (write.buffer != output.value.buffer) continue;
        write.kept_for = std::max(write.kept_for.value_or(0), output.value.distance);
      }
    }
  }
}

/// An access begins and ends where a buffer does, or the rows that somebody reads or writes.
void ShadowLayout::cut() {
  IdVector<ArenaId, std::vector<int64_t>> cuts(plan_.arenas.size());
  const auto add = [&](BufferId id, const std::optional<RowRange>& rows) {
    const BufferRegion region = region_of(plan_.buffers[id], rows);
    for (int32_t version = 0; version < region.versions; ++version) {
      const ByteRange bytes = version_bytes(region, version);
      cuts[region.arena].push_back(bytes.begin);
      cuts[region.arena].push_back(bytes.end);
    }
  };
  for (const BufferId id : plan_.buffers.ids()) add(id, {});
  for (const Instruction& instruction : plan_.instructions) {
    for (const Operand& operand : instruction.reads) add(operand.buffer, operand.rows);
    for (const BufferId buffer : written_buffers(instruction)) {
      add(buffer, written_rows(instruction, buffer));
    }
  }
  for (const ArenaId arena : plan_.arenas.ids()) {
    std::vector<int64_t>& places = cuts[arena];
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    const size_t first = segment_begin_bytes_.size();
    segment_begin_bytes_.insert(segment_begin_bytes_.end(), places.begin(), places.end());
    segments_of_arena_[arena] = {first, segment_begin_bytes_.size()};
  }
}

std::vector<SegmentRange> ShadowLayout::versions_of(BufferId buffer,
                                                    const std::optional<RowRange>& rows) const {
  const BufferRegion region = region_of(plan_.buffers[buffer], rows);
  const SegmentRange arena = segments_of_arena_[region.arena];
  const auto first = segment_begin_bytes_.begin() + static_cast<std::ptrdiff_t>(arena.begin);
  const auto last = segment_begin_bytes_.begin() + static_cast<std::ptrdiff_t>(arena.end);
  const auto segment_at = [&](int64_t byte) {
    return arena.begin + static_cast<size_t>(std::lower_bound(first, last, byte) - first);
  };
  std::vector<SegmentRange> versions;
  for (int32_t version = 0; version < region.versions; ++version) {
    const ByteRange bytes = version_bytes(region, version);
    versions.push_back({segment_at(bytes.begin), segment_at(bytes.end)});
  }
  return versions;
}

ShadowLayout::Read ShadowLayout::read_of(const Instruction& instruction,
                                         const Operand& operand) const {
  Read read{&operand, versions_of(operand.buffer, operand.rows), {}, false};
  if (operand.producers.empty()) read.parts.push_back({std::nullopt, read.versions});
  const TensorType& type = plan_.buffers[operand.buffer].type;
  for (const InstructionId producer : operand.producers) {
    const std::optional<RowRange> written =
        written_rows(plan_.instructions[producer], operand.buffer);
    std::optional<RowRange> rows;  // a scalar has none
    if (operand.rows || written) {
      rows = common_rows(rows_or_all(type, operand.rows), rows_or_all(type, written));
    }
    read.parts.push_back({producer, versions_of(operand.buffer, rows)});
  }
  if (instruction.kind == InstructionKind::kKernel) {
    const auto index = static_cast<size_t>(&operand - instruction.reads.data());
    const std::vector<TensorType> results = result_types(plan_, instruction);
    for (size_t i = 0; i < results.size(); ++i) {
      const bool may_be = may_run_in_place(*find_op(instruction.op), index,
                                           operand_type(plan_, operand), results[i], i);
      if (may_be) read.overwritten_by |= 1U << i;
    }
  }
  return read;
}

std::string ShadowLayout::describe(size_t segment, BufferId buffer) const {
  const int64_t offset_bytes = plan_.buffers[buffer].offset_bytes;
  return fmt::format("bytes [{}, {}) of buffer '{}'", segment_begin_bytes_[segment] - offset_bytes,
                     segment_begin_bytes_[segment + 1] - offset_bytes, plan_.buffers[buffer].name);
}

std::string ShadowLayout::describe(const Execution& execution) const {
  return fmt::format("{} of step {}", name_with_lane(plan_, positions_, execution.instruction),
                     execution.step);
}

ShadowMemory::ShadowMemory(const ShadowLayout& layout)
    : layout_(layout), cells_(layout.num_segments()) {}

Fault ShadowMemory::start(const Execution& execution) {
  const ShadowLayout::Accesses& accesses = layout_.of(execution.instruction);
  for (const ShadowLayout::Read& read : accesses.reads) {
    if (Fault fault = check_read(execution, read)) return fault;
  }
  for (const ShadowLayout::Write& write : accesses.writes) {
    if (Fault fault = check_write(execution, write)) return fault;
    const SegmentRange segments = slot(write.versions, execution.step);
    for (size_t i = segments.begin; i < segments.end; ++i) {
      cells_[i].writer = execution;
      cells_[i].is_being_written = true;
      if (write.kept_for) cells_[i].kept_until = execution.step + *write.kept_for;
    }
  }
  running_.push_back(execution);
  add_to_readers(execution, 1);
  return std::nullopt;
}

void ShadowMemory::finish(const Execution& execution) {
  std::erase(running_, execution);
  add_to_readers(execution, -1);
  for (const ShadowLayout::Write& write : layout_.of(execution.instruction).writes) {
    const SegmentRange segments = slot(write.versions, execution.step);
    for (size_t i = segments.begin; i < segments.end; ++i) cells_[i].is_being_written = false;
  }
}

void ShadowMemory::add_to_readers(const Execution& reader, int32_t count) {
  for (const ShadowLayout::Read& read : layout_.of(reader.instruction).reads) {
    const SegmentRange segments = segments_read(read, reader.step);
    for (size_t i = segments.begin; i < segments.end; ++i) cells_[i].num_readers += count;
  }
}

Fault ShadowMemory::check_read(const Execution& reader, const ShadowLayout::Read& read) const {
  const int64_t step = reader.step - read.operand->distance;
  for (const ShadowLayout::Part& part : read.parts) {
    std::optional<Execution> named;
    if (part.producer && step >= 0) named = Execution{*part.producer, step};
    const SegmentRange segments = slot(part.versions, step);
    for (size_t i = segments.begin; i < segments.end; ++i) {
      if (cells_[i].is_being_written || cells_[i].writer != named) {
        return wrong_value(reader, read, named, i);
      }
    }
  }
  return std::nullopt;
}

Fault ShadowMemory::check_write(const Execution& writer, const ShadowLayout::Write& write) const {
  const ShadowLayout::Accesses& accesses = layout_.of(writer.instruction);
  const SegmentRange written = slot(write.versions, writer.step);
  const auto number = &write - accesses.writes.data();
  for (const ShadowLayout::Read& read : accesses.reads) {
    const SegmentRange own = segments_read(read, writer.step);
    if (own.begin >= written.end || written.begin >= own.end) continue;
    if ((read.overwritten_by >> number & 1) != 0 && own == written) continue;
    return spoilt(AccessFaultKind::kNotInPlace, writer, writer, write.buffer,
                  std::max(own.begin, written.begin), "it reads otherwise than in place");
  }
  for (size_t i = written.begin; i < written.end; ++i) {
    if (Fault fault = check_cell(writer, write.buffer, i)) return fault;
  }
  return std::nullopt;
}

Fault ShadowMemory::check_cell(const Execution& writer, BufferId buffer, size_t segment) const {
  const Cell& cell = cells_[segment];
  if (cell.is_being_written) {
    return spoilt(AccessFaultKind::kTwoWrites, writer, *cell.writer, buffer, segment,
                  layout_.describe(*cell.writer) + " still writes");
  }
  if (cell.num_readers > 0) {
    const auto reader =
        std::find_if(running_.begin(), running_.end(), [&](const Execution& running) {
          const auto& reads = layout_.of(running.instruction).reads;
          return std::any_of(reads.begin(), reads.end(), [&](const ShadowLayout::Read& read) {
            return contains(segments_read(read, running.step), segment);
          });
        });
    return spoilt(AccessFaultKind::kOverwritesRead, writer, *reader, buffer, segment,
                  layout_.describe(*reader) + " still reads");
  }
  if (cell.kept_until < writer.step) return std::nullopt;
  return spoilt(AccessFaultKind::kLostOutput, writer, *cell.writer, buffer, segment,
                fmt::format("a run of {} steps leaves in them", cell.kept_until + 1));
}

AccessFault ShadowMemory::wrong_value(const Execution& reader, const ShadowLayout::Read& read,
                                      const std::optional<Execution>& named, size_t segment) const {
  const Cell& cell = cells_[segment];
  std::string found = "their first content";
  if (cell.writer) {
    const std::string writer = layout_.describe(*cell.writer);
    found = cell.is_being_written ? writer + " still writing them" : "what " + writer + " wrote";
  }
  return {AccessFaultKind::kWrongValue, reader, cell.writer,
          fmt::format("{} reads {}: it names {}, and finds {}", layout_.describe(reader),
                      layout_.describe(segment, read.operand->buffer),
                      named ? fmt::format("what {} wrote", layout_.describe(*named))
                            : "their first content",
                      found)};
}

AccessFault ShadowMemory::spoilt(AccessFaultKind kind, const Execution& writer,
                                 const Execution& other, BufferId buffer, size_t segment,
                                 std::string_view how) const {
  return {kind, writer, other,
          fmt::format("{} writes {}, which {}", layout_.describe(writer),
                      layout_.describe(segment, buffer), how)};
}

}  // namespace graphrt
