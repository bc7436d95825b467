#include "tests/property/plan/needed_waits.h"

#include <algorithm>

namespace graphrt {
namespace {

/// The smallest multiple of all numbers of versions: bytes repeat after as many intervals.
constexpr int64_t kPeriod = 6;

class WaitAdder {
 public:
  explicit WaitAdder(Plan& plan) : plan_(plan), positions_(lane_positions(plan)) {}

  void run() {
    for (const InstructionId reader : plan_.instructions.ids()) {
      for (const Operand& operand : at(reader).reads) {
        for (const InstructionId producer : operand.producers) protect(reader, operand, producer);
      }
    }
    for (const InstructionId x : plan_.instructions.ids()) {
      for (const InstructionId y : plan_.instructions.ids()) {
        for (int32_t k = 0; x < y && k <= 3; ++k) {
          if (write_the_same(x, y, k)) require(x, y, k);
          if (write_the_same(y, x, k)) require(y, x, k);
        }
      }
    }
    for (const PlanOutput& output : plan_.outputs) {
      for (const InstructionId producer : output.value.producers) {
        keep(producer, output.value.buffer);
      }
    }
  }

 private:
  const Instruction& at(InstructionId id) const { return plan_.instructions[id]; }

  /// Rows of a buffer.
  struct Place {
    BufferId buffer;
    RowRange rows;
  };
  /// All that the instruction writes: its results, and scratch memory.
  std::vector<Place> places_written(InstructionId id) const {
    std::vector<Place> places;
    for (const BufferId buffer : at(id).writes) places.push_back(written(id, buffer));
    if (at(id).scratch) places.push_back({*at(id).scratch, all_rows(*at(id).scratch)});
    return places;
  }
  Place written(InstructionId id, BufferId buffer) const {
    return {buffer, at(id).rows.value_or(all_rows(buffer))};
  }
  RowRange all_rows(BufferId buffer) const { return rows_or_all(plan_.buffers[buffer].type, {}); }

  bool meets(const Place& a, int32_t steps_back_a, const Place& b, int32_t steps_back_b,
             int32_t distance) const {
    if (plan_.buffers[a.buffer].arena != plan_.buffers[b.buffer].arena) return false;
    const auto row_bytes = [&](const Place& place) {
      const TensorType& type = plan_.buffers[place.buffer].type;
      return type.size_bytes() / type.shape[0];
    };
    const auto begin = [&](const Place& place, int64_t step) {
      const PlanBuffer& buffer = plan_.buffers[place.buffer];
      return buffer.offset_bytes + step % buffer.versions * buffer.stride_bytes +
             row_bytes(place) * place.rows.begin;
    };
    for (int64_t t = 0; t < kPeriod; ++t) {
      const int64_t first = begin(a, t - steps_back_a + 10 * kPeriod);
      const int64_t second = begin(b, t + distance - steps_back_b + 10 * kPeriod);
      if (first < second + row_bytes(b) * b.rows.size() &&
          second < first + row_bytes(a) * a.rows.size()) {
        return true;
      }
    }
    return false;
  }

  /// The same, of anything that an instruction writes.
  bool is_met(const Place& a, InstructionId maker, InstructionId writer, int32_t distance) const {
    const std::vector<Place> places = places_written(writer);
    return std::any_of(places.begin(), places.end(), [&](const Place& place) {
      return meets(a, at(maker).stage, place, at(writer).stage, distance);
    });
  }

  bool write_the_same(InstructionId x, InstructionId y, int32_t distance) const {
    const std::vector<Place> places = places_written(x);
    return std::any_of(places.begin(), places.end(),
                       [&](const Place& place) { return is_met(place, x, y, distance); });
  }

  /// Makes `after` wait for `before`, where that is not a deadlock at sight.
  bool require(InstructionId before, InstructionId after, int32_t distance) {
    if (distance < 0 || (distance == 0 && before >= after)) return false;
    const LanePosition place = positions_[before];
    if (before == after) return true;
    const bool has_messages = is_message_lane(plan_.lanes[place.lane].kind);
    if (place.lane == positions_[after].lane && !has_messages) return true;
    const Wait wait{place.lane, place.position + 1, distance};
    std::vector<Wait>& waits = plan_.instructions[after].waits;
    if (std::find(waits.begin(), waits.end(), wait) == waits.end()) waits.push_back(wait);
    return true;
  }

  void keep(InstructionId producer, BufferId buffer) {
    const Place kept = written(producer, buffer);
    for (const InstructionId writer : plan_.instructions.ids()) {
      for (int32_t m = -3; m <= at(writer).stage - at(producer).stage; ++m) {
        if (writer != producer && is_met(kept, producer, writer, m)) require(writer, producer, -m);
      }
    }
  }

  void protect(InstructionId reader, const Operand& operand, InstructionId producer) {
    const Place read{operand.buffer,
                     common_rows(rows_or_all(plan_.buffers[operand.buffer].type, operand.rows),
                                 written(producer, operand.buffer).rows)};
    const int32_t span = operand.distance + at(reader).stage - at(producer).stage;
    require(producer, reader, span);
    for (const InstructionId writer : plan_.instructions.ids()) {
      for (int32_t m = -3; m <= span + 3; ++m) {
        if ((writer == producer && m == 0) || (writer == reader && m == span)) continue;
        if (!is_met(read, producer, writer, m)) continue;
        if (!require(writer, producer, -m)) require(reader, writer, m - span);
      }
    }
  }

  Plan& plan_;
  IdVector<InstructionId, LanePosition> positions_;
};

}  // namespace

void add_needed_waits(Plan& plan) { WaitAdder(plan).run(); }

}  // namespace graphrt
