#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace graphrt {

/// An instruction at work on a step.
struct Execution {
  InstructionId instruction;
  int64_t step = 0;
  bool operator==(const Execution&) const = default;
};

enum class AccessFaultKind {
  kWrongValue,      ///< a read finds another value than the one it names
  kOverwritesRead,  ///< a write starts on bytes that are still being read
  kTwoWrites,       ///< a write starts on bytes that are still being written
  kNotInPlace,      ///< an instruction writes what it reads, and cannot do that in place
  kLostOutput,      ///< a write spoils an output that stays in its buffer
};

/// An access that went wrong in one execution of a plan.
struct AccessFault {
  AccessFaultKind kind = AccessFaultKind::kWrongValue;
  Execution execution;             ///< whose access it is
  std::optional<Execution> other;  ///< whose value or access it met; absent: a first content
  std::string message;  ///< names both, the value that was named, the buffer and its bytes
};

/// Half-open range of segments: bytes of an arena that every access covers in whole or not at all.
struct SegmentRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const SegmentRange&) const = default;
};

/// The bytes that the instructions of a plan access, cut into segments.
class ShadowLayout {
 public:
  /// Rows that one producer wrote; without a producer, what was filled in at load.
  struct Part {
    std::optional<InstructionId> producer;
    std::vector<SegmentRange> versions;
  };
  struct Read {
    const Operand* operand = nullptr;
    std::vector<SegmentRange> versions;
    std::vector<Part> parts;
    /// A bit for each result that may be written over it, in place, byte for byte.
    uint32_t overwritten_by = 0;
  };
  struct Write {
    BufferId buffer;
    std::vector<SegmentRange> versions;
    /// Of a value that stays in its buffer: how many steps later a run may end and leave it.
    std::optional<int32_t> kept_for;
  };
  struct Accesses {
    std::vector<Read> reads;
    std::vector<Write> writes;
  };

  /// Requires: find_structure_violation(plan) found none; the plan outlives the layout.
  explicit ShadowLayout(const Plan& plan);

  const Plan& plan() const { return plan_; }
  const Accesses& of(InstructionId id) const { return accesses_[id]; }
  size_t num_segments() const { return segment_begin_bytes_.size(); }
  /// `bytes [0, 256) of buffer 'x'`, counted from the buffer's start.
  std::string describe(size_t segment, BufferId buffer) const;
  /// `'mm1' (gpu0.compute0) of step 3`.
  std::string describe(const Execution& execution) const;

 private:
  void cut();
  std::vector<SegmentRange> versions_of(BufferId buffer, const std::optional<RowRange>& rows) const;
  Read read_of(const Instruction& instruction, const Operand& operand) const;

  const Plan& plan_;
  IdVector<InstructionId, LanePosition> positions_;
  IdVector<InstructionId, Accesses> accesses_;
  /// Ascending within an arena, whose segments stand together; the last one of an arena is empty.
  std::vector<int64_t> segment_begin_bytes_;
  IdVector<ArenaId, SegmentRange> segments_of_arena_;
};

/// What every byte holds while a plan is executed: not a number, but who wrote it, in which step,
/// and who is at work on it. An instruction reads from its start to its end, and writes at any time
/// between them: its bytes hold nothing of use from its start on, and its value from its end on.
class ShadowMemory {
 public:
  /// The layout outlives the memory.
  explicit ShadowMemory(const ShadowLayout& layout);

  /// Each segment read must hold the value that the operand names, nobody may read or write what
  /// this execution writes, and nothing that stays is overwritten (docs/plan.md, "What it means").
  std::optional<AccessFault> start(const Execution& execution);
  /// Requires: started, and not finished.
  void finish(const Execution& execution);

 private:
  struct Cell {
    std::optional<Execution> writer;  // absent: the first content
    bool is_being_written = false;
    int32_t num_readers = 0;
    int64_t kept_until = -1;  // a run that ends with a step up to this one leaves the value
  };

  std::optional<AccessFault> check_read(const Execution& reader,
                                        const ShadowLayout::Read& read) const;
  std::optional<AccessFault> check_write(const Execution& writer,
                                         const ShadowLayout::Write& write) const;
  std::optional<AccessFault> check_cell(const Execution& writer, BufferId buffer,
                                        size_t segment) const;
  AccessFault wrong_value(const Execution& reader, const ShadowLayout::Read& read,
                          const std::optional<Execution>& named, size_t segment) const;
  AccessFault spoilt(AccessFaultKind kind, const Execution& writer, const Execution& other,
                     BufferId buffer, size_t segment, std::string_view how) const;
  void add_to_readers(const Execution& reader, int32_t count);

  const ShadowLayout& layout_;
  std::vector<Cell> cells_;
  std::vector<Execution> running_;
};

}  // namespace graphrt
