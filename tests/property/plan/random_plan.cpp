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
      } else if (!has_attention_ && is_one_in(16)) {
        add_attention(lane, "op" + std::to_string(i));
      } else {
        add_kernel(lane, "op" + std::to_string(i));
      }
    }
    if (is_one_in(4)) builder_.resident_output("kept", {last_result_, 0});
    plan_ = builder_.build();
    place_scratch();
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

  /// Two results and scratch memory: of 4 batches with 4 queries of 4 heads, each one number, so
  /// that the second result has as many numbers as the first. At once, or in two blocks of rows.
  void add_attention(LaneId lane, const std::string& name) {
    has_attention_ = true;
    const Known a = pick_value();
    if (a.size != kSmall) return;
    const Shape heads = {4, 4, 4, 1};
    const BufferId q = new_buffer(name + ".q", kSmall);
    const BufferId result = new_buffer(name, kSmall);
    const BufferId log_sum = new_buffer(name + ".log_sum", kSmall);
    const std::array shapes = {std::pair(q, heads), std::pair(result, heads),
                               std::pair(log_sum, Shape{4, 4, 4})};
    for (const auto& [buffer, shape] : shapes) builder_.shape(buffer, shape);
    builder_.kernel(lane, name + ".q", "reshape", {a.read}, q, a.stage, shape_of(heads));
    const bool is_read_as_heads = is_one_in(2);  // or what was reshaped, in that shape
    const auto query = [&](const RowRange& rows) {
      if (!is_read_as_heads) return ReadOf{q, 0, rows};
      constexpr int64_t kRow = kSmall / 4;
      return ReadOf{a.read.buffer, a.read.distance,
                    within(a.read, {rows.begin * kRow, rows.end * kRow}),
                    Shape{rows.size(), 4, 4, 1}};
    };
    const int32_t stage = std::min(a.stage + (is_one_in(4) ? 1 : 0), 2);
    if (is_one_in(2)) {
      const ReadOf read = query({0, 4});
      builder_.kernel(lane, name, "attention", {read, read, read}, std::vector{result, log_sum},
                      stage);
    } else {
      for (const RowRange& rows : {RowRange{0, 1}, RowRange{1, 4}}) {
        const ReadOf read = query(rows);
        const InstructionId id =
            builder_.kernel(lane, name + (rows.begin == 0 ? "a" : "b"), "attention",
                            {read, read, read}, std::vector{result, log_sum}, stage);
        builder_.writes_rows(id, rows);
        lane = LaneId(1 + pick(num_lanes_));
      }
    }
    const BufferId flat = new_buffer(name + ".flat", kSmall);
    builder_.kernel(lane, name + ".flat", "reshape", {{is_one_in(2) ? result : log_sum}}, flat,
                    stage, shape_of({kSmall}));
    publish(flat, kSmall, stage);
    if (is_one_in(3)) last_result_ = log_sum;
  }

  static Attributes shape_of(const Shape& shape) {
    Attributes attributes;
    attributes.set("shape", shape);
    return attributes;
  }

  /// Somewhere among the slots, too.
  void place_scratch() {
    for (const Instruction& instruction : plan_.instructions) {
      if (!instruction.scratch || is_one_in(2)) continue;
      PlanBuffer& buffer = plan_.buffers[*instruction.scratch];
      buffer.offset_bytes = pick(8) * kSlotBytes;
      int64_t& arena_bytes = plan_.arenas[buffer.arena].size_bytes;
      arena_bytes = std::max(arena_bytes, buffer.offset_bytes + buffer.stride_bytes);
    }
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
  bool has_attention_ = false;
  BufferId last_result_;
};

}  // namespace

Plan random_plan(uint64_t seed) { return Generator(seed).generate(); }

}  // namespace graphrt
