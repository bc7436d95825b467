#include "tests/property/plan/random_plan.h"

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {
namespace {

constexpr int64_t kSmall = 64;   // elements: one slot of 256 bytes
constexpr int64_t kLarge = 128;  // two slots
constexpr int64_t kSlotBytes = 256;

/// The smallest multiple of all numbers of versions: bytes repeat after as many intervals.
constexpr int64_t kPeriod = 6;

class Generator {
 public:
  explicit Generator(uint64_t seed)
      : random_(seed), pageable_(builder_.arena(kHostDevice, MemoryKind::kPageable)) {}

  Plan generate() {
    add_states();
    const LaneId feeds = builder_.lane("feeds", LaneKind::kFeed);
    num_lanes_ = 1 + pick(3);
    std::vector<LaneId> lanes;
    for (int32_t i = 0; i < num_lanes_; ++i) {
      lanes.push_back(builder_.lane("lane" + std::to_string(i)));
    }
    const int32_t num_instructions = 2 + pick(6);
    for (int32_t i = 0; i < num_instructions; ++i) {
      const LaneId lane = lanes[static_cast<size_t>(pick(num_lanes_))];
      if (values_.empty() || is_one_in(6)) {
        add_feed(feeds, "feed" + std::to_string(i));
      } else {
        add_kernel(lane, "op" + std::to_string(i));
      }
    }
    if (is_one_in(4)) builder_.resident_output("kept", {last_result_, 0});
    plan_ = builder_.build();
    if (!is_one_in(10)) add_waits();
    damage();
    return std::move(plan_);
  }

 private:
  struct Known {
    ReadOf read;
    int64_t size;
    int32_t stage;  // the earliest that a reader can have
  };

  int32_t pick(int32_t count) {
    return static_cast<int32_t>(random_() % static_cast<uint64_t>(count));
  }
  bool is_one_in(int32_t count) { return pick(count) == 0; }

  void add_states() {
    const int32_t num_states = pick(3);
    for (int32_t i = 0; i < num_states; ++i) {
      const int32_t versions = 1 + pick(2);
      const std::string name = "state" + std::to_string(i);
      const BufferId buffer =
          builder_.buffer_at(name, kFirstStateBytes + 2 * kSlotBytes * i, DeviceId(0), versions);
      builder_.state(name, {buffer});
      values_.push_back({{buffer, 1 + pick(versions)}, kSmall, 0});
      free_states_.push_back(buffer);
    }
  }

  /// Somewhere among eight slots, so that many buffers meet; some in an arena of another kind,
  /// where the same offsets are other bytes.
  BufferId new_buffer(const std::string& name, int64_t size) {
    const int32_t versions = is_one_in(2) ? 1 : 1 + pick(3);
    const int64_t offset_bytes = pick(8) * kSlotBytes;
    if (is_one_in(4)) return builder_.buffer_at(name, offset_bytes, pageable_, versions, size);
    return builder_.buffer_at(name, offset_bytes, kHostDevice, versions, size);
  }

  void publish(BufferId result, int64_t size, int32_t stage) {
    values_.push_back({{result, 0}, size, stage});
    last_result_ = result;
  }

  void add_feed(LaneId lane, const std::string& name) {
    const int64_t size = is_one_in(3) ? kLarge : kSmall;
    const int32_t stage = is_one_in(4) ? 1 : 0;
    const BufferId buffer = new_buffer(name, size);
    builder_.feed(lane, name, buffer, stage);
    publish(buffer, size, stage);
  }

  Known pick_value() { return values_[static_cast<size_t>(pick(int32_t(values_.size())))]; }

  void add_kernel(LaneId lane, const std::string& name) {
    const Known a = pick_value();
    Known b = pick_value();
    if (b.size != a.size) b = a;
    int32_t stage = std::max(a.stage, b.stage) + (is_one_in(4) ? 1 : 0);
    if (stage > 2) stage = 2;
    if (is_one_in(20)) stage = pick(2);
    if (a.size == kLarge && is_one_in(4)) {
      // Half of it, read in place, as a value of its own.
      Known half = a;
      half.read.rows =
          within(a.read, is_one_in(2) ? RowRange{0, kSmall} : RowRange{kSmall, kLarge});
      half.size = kSmall;
      half.stage = stage;
      values_.push_back(half);
    }
    if (a.size == kLarge && is_one_in(2)) {
      const BufferId half = new_buffer(name, kSmall);
      Attributes first_half;
      first_half.set("begin", int64_t{0});
      first_half.set("end", kSmall);
      builder_.kernel(lane, name, "slice", {a.read}, half, stage, first_half);
      return publish(half, kSmall, stage);
    }
    if (a.size == kSmall && is_one_in(6)) {
      const BufferId both = new_buffer(name, kLarge);
      builder_.kernel(lane, name, "concat", {a.read, b.read}, both, stage);
      return publish(both, kLarge, stage);
    }
    if (a.size == kSmall && !free_states_.empty() && is_one_in(3)) {
      const BufferId state = free_states_.back();
      free_states_.pop_back();
      if (is_one_in(2)) return add_in_blocks(lane, name, a, b, state, stage);
      builder_.kernel(lane, name, "add", {a.read, b.read}, state, stage);
      return;
    }
    const BufferId result = new_buffer(name, a.size);
    if (is_one_in(3)) {
      add_in_blocks(lane, name, a, b, result, stage);
    } else if (is_one_in(3)) {
      builder_.kernel(lane, name, "softmax", {a.read}, result, stage);
    } else {
      builder_.kernel(lane, name, "add", {a.read, b.read}, result, stage);
    }
    publish(result, a.size, stage);
  }

  /// The sum in two blocks of rows, the second on any lane.
  void add_in_blocks(LaneId lane, const std::string& name, const Known& a, const Known& b,
                     BufferId result, int32_t stage) {
    const int64_t cut = 16 * static_cast<int64_t>(1 + pick(3));
    const std::array blocks = {RowRange{0, cut}, RowRange{cut, a.size}};
    for (const RowRange& rows : blocks) {
      ReadOf first = a.read;
      ReadOf second = b.read;
      first.rows = within(first, rows);
      second.rows = within(second, rows);
      const InstructionId id = builder_.kernel(lane, name + (rows.begin == 0 ? "a" : "b"), "add",
                                               {first, second}, result, stage);
      builder_.writes_rows(id, rows);
      lane = LaneId(1 + pick(num_lanes_));
    }
  }

  /// These rows of what `read` reads.
  static RowRange within(const ReadOf& read, const RowRange& rows) {
    const int64_t begin = read.rows ? read.rows->begin : 0;
    return {begin + rows.begin, begin + rows.end};
  }

  const Instruction& at(InstructionId id) const { return plan_.instructions[id]; }

  /// Rows of a buffer; an element is a row.
  struct Place {
    BufferId buffer;
    RowRange rows;
  };
  Place written(InstructionId id) const {
    return {at(id).writes.front(),
            rows_or_all(plan_.buffers[at(id).writes.front()].type, at(id).rows)};
  }

  bool meets(const Place& a, int32_t steps_back_a, const Place& b, int32_t steps_back_b,
             int32_t distance) const {
    if (plan_.buffers[a.buffer].arena != plan_.buffers[b.buffer].arena) return false;
    const auto begin = [&](const Place& place, int64_t step) {
      const PlanBuffer& buffer = plan_.buffers[place.buffer];
      return buffer.offset_bytes + step % buffer.versions * buffer.stride_bytes +
             4 * place.rows.begin;
    };
    for (int64_t t = 0; t < kPeriod; ++t) {
      const int64_t first = begin(a, t - steps_back_a + 10 * kPeriod);
      const int64_t second = begin(b, t + distance - steps_back_b + 10 * kPeriod);
      if (first < second + 4 * b.rows.size() && second < first + 4 * a.rows.size()) return true;
    }
    return false;
  }

  /// Makes `after` wait for `before`, where that is not a deadlock at sight.
  bool require(InstructionId before, InstructionId after, int32_t distance) {
    if (distance < 0 || (distance == 0 && before >= after)) return false;
    const LanePosition place = positions_[before];
    if (place.lane == positions_[after].lane) return true;
    const Wait wait{place.lane, place.position + 1, distance};
    std::vector<Wait>& waits = plan_.instructions[after].waits;
    if (std::find(waits.begin(), waits.end(), wait) == waits.end()) waits.push_back(wait);
    return true;
  }

  void add_waits() {
    positions_ = lane_positions(plan_);
    for (const InstructionId reader : plan_.instructions.ids()) {
      for (const Operand& operand : at(reader).reads) {
        for (const InstructionId producer : operand.producers) protect(reader, operand, producer);
      }
    }
    for (const InstructionId x : plan_.instructions.ids()) {
      for (const InstructionId y : plan_.instructions.ids()) {
        for (int32_t k = 0; x < y && k <= 3; ++k) {
          if (meets(written(x), at(x).stage, written(y), at(y).stage, k)) require(x, y, k);
          if (meets(written(y), at(y).stage, written(x), at(x).stage, k)) require(y, x, k);
        }
      }
    }
    for (const PlanOutput& output : plan_.outputs) {
      for (const InstructionId producer : output.value.producers) keep(producer);
    }
  }

  void keep(InstructionId producer) {
    for (const InstructionId writer : plan_.instructions.ids()) {
      for (int32_t m = -3; m <= at(writer).stage - at(producer).stage; ++m) {
        if (writer != producer &&
            meets(written(producer), at(producer).stage, written(writer), at(writer).stage, m)) {
          require(writer, producer, -m);
        }
      }
    }
  }

  void protect(InstructionId reader, const Operand& operand, InstructionId producer) {
    const Place read{operand.buffer,
                     common_rows(rows_or_all(plan_.buffers[operand.buffer].type, operand.rows),
                                 written(producer).rows)};
    const int32_t span = operand.distance + at(reader).stage - at(producer).stage;
    require(producer, reader, span);
    for (const InstructionId writer : plan_.instructions.ids()) {
      for (int32_t m = -3; m <= span + 3; ++m) {
        if ((writer == producer && m == 0) || (writer == reader && m == span)) continue;
        if (!meets(read, at(producer).stage, written(writer), at(writer).stage, m)) continue;
        if (!require(writer, producer, -m)) require(reader, writer, m - span);
      }
    }
  }

  void damage() {
    const int32_t how = pick(3);
    if (how == 0) return;
    if (how == 1) {
      for (Instruction& instruction : plan_.instructions) {
        for (Wait& wait : instruction.waits) damage(wait);
        std::erase_if(instruction.waits,
                      [&](const Wait& wait) { return wait.count == 0 || is_one_in(12); });
      }
      return;
    }
    for (PlanLane& lane : plan_.lanes) {
      for (size_t i = 1; i < lane.instructions.size(); ++i) {
        if (is_one_in(6)) std::swap(lane.instructions[i - 1], lane.instructions[i]);
      }
    }
  }

  void damage(Wait& wait) {
    if (is_one_in(12)) --wait.count;
    if (is_one_in(12)) ++wait.distance;
  }

  static constexpr int64_t kFirstStateBytes = 16 * kSlotBytes;

  std::mt19937_64 random_;
  PlanBuilder builder_;
  ArenaId pageable_;
  Plan plan_;
  IdVector<InstructionId, LanePosition> positions_;
  std::vector<Known> values_;
  std::vector<BufferId> free_states_;
  int32_t num_lanes_ = 1;  // behind that of the feeds
  BufferId last_result_;
};

}  // namespace

Plan random_plan(uint64_t seed) { return Generator(seed).generate(); }

}  // namespace graphrt
