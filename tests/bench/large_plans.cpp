#include "tests/bench/large_plans.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace graphrt {
namespace {

constexpr int64_t kRowElements = 64;  // a row of 256 bytes, so that rows are aligned, too
constexpr int64_t kRowBytes = 4 * kRowElements;

/// Every so many instructions a lane reads a value of its neighbour, or waits for it.
constexpr int32_t kMeetingSpacing = 4;
/// More than twice the spacing: a slot is written again only after the meeting that says it may.
constexpr int32_t kRingSlots = 3 * kMeetingSpacing;

/// kPools: instructions of one size, and the bytes that a lane's buffers take in turn.
constexpr int32_t kPoolSegment = 16;
constexpr int64_t kPoolSizes = 8;
constexpr int64_t kPoolRows = 5 * kPoolSizes;

constexpr int64_t kHotRows = 8;
constexpr int32_t kMaxBlockRows = 256;

constexpr std::array kShapes = {PlanShape::kRings,    PlanShape::kStages, PlanShape::kPools,
                                PlanShape::kHotState, PlanShape::kBlocks, PlanShape::kHosts};

TensorType rows_type(int64_t num_rows) { return {ElementType::kF32, {num_rows, kRowElements}}; }

class LargePlan {
 public:
  LargePlan(PlanShape shape, int32_t num_instructions, int32_t num_lanes)
      : shape_(shape), num_lanes_(num_lanes), length_(num_instructions / num_lanes + 1) {
    plan_.name = "large";
    plan_.devices.push_back({"cpu", "cpu", int64_t{1} << 50, 0});
    plan_.arenas.push_back({DeviceId(0), MemoryKind::kPageable, 0});
    for (int32_t lane = 0; lane < num_lanes; ++lane) {
      plan_.lanes.push_back(
          {"lane" + std::to_string(lane), LaneKind::kCompute, DeviceId(0), DeviceId(0), {}, {}});
    }
    values_.resize(static_cast<size_t>(num_lanes));
  }

  Plan make() {
    switch (shape_) {
      case PlanShape::kRings:
        make_rings();
        break;
      case PlanShape::kStages:
        make_stages();
        break;
      case PlanShape::kPools:
        make_pools();
        break;
      case PlanShape::kHotState:
        make_hot_state();
        break;
      case PlanShape::kBlocks:
        make_blocks();
        break;
      case PlanShape::kHosts:
        make_hosts();
        break;
    }
    plan_.required_features = features_of(plan_);
    return std::move(plan_);
  }

 private:
  struct Value {
    BufferId buffer;
    std::vector<InstructionId> writers;
  };

  int64_t reserve(int64_t size_bytes) {
    int64_t& end = plan_.arenas[arena_].size_bytes;
    return std::exchange(end, end + size_bytes);
  }

  BufferId add_buffer(int64_t offset_bytes, int64_t num_rows, int32_t versions = 1) {
    return plan_.buffers.push_back({"b" + std::to_string(plan_.buffers.size()), rows_type(num_rows),
                                    arena_, offset_bytes, num_rows * kRowBytes, versions});
  }

  BufferId add_constant(int64_t num_rows) {
    const BufferId buffer = add_buffer(reserve(num_rows * kRowBytes), num_rows);
    const auto size_bytes = static_cast<size_t>(num_rows * kRowBytes);
    plan_.constants.push_back({"c" + std::to_string(plan_.constants.size()),
                               std::vector<std::byte>(size_bytes),
                               {buffer}});
    return buffer;
  }

  InstructionId add(int32_t lane, std::string op, std::vector<Operand> reads, BufferId writes) {
    Instruction instruction;
    instruction.name = "n" + std::to_string(plan_.instructions.size());
    instruction.op = std::move(op);
    instruction.reads = std::move(reads);
    instruction.writes = {writes};
    instruction.cost = {.latency_ns = 1, .work_ns = 10, .shared_ns = {}};
    const InstructionId id = plan_.instructions.push_back(std::move(instruction));
    plan_.lanes[LaneId(lane)].instructions.push_back(id);
    return id;
  }

  void wait(InstructionId id, int32_t lane, int32_t count, int32_t distance) {
    if (count > 0) plan_.instructions[id].waits.push_back({LaneId(lane), count, distance});
  }

  int32_t next_lane(int32_t lane) const { return (lane + 1) % num_lanes_; }
  int32_t previous_lane(int32_t lane) const { return (lane + num_lanes_ - 1) % num_lanes_; }

  static Operand whole(const Value& value, int32_t distance = 0) {
    return {value.buffer, value.writers, distance, {}};
  }
  std::vector<Value>& values(int32_t lane) { return values_[static_cast<size_t>(lane)]; }

  // lane l    ... 3 [4] 5  6  7 [8] ...    8 reads value 7 of lane l + 1; it waits for that, and
  // lane l+1  ... 3 [4] 5  6  7 [8] ...    for 4 of lane l - 1, the last that read of lane l
  //
  // A ring of 12 slots: value 7 is overwritten by 19, behind [12], which waits for [8] of lane l.
  void make_rings() {
    const Value constant{add_constant(1), {}};
    const int64_t first_bytes = reserve(kRowBytes * num_lanes_ * kRingSlots);
    for (int32_t i = 0; i < length_; ++i) {
      for (int32_t lane = 0; lane < num_lanes_; ++lane) {
        const int64_t slot = lane * kRingSlots + i % kRingSlots;
        const bool meets = i > 0 && i % kMeetingSpacing == 0;
        const Value& previous = i > 0 ? values(lane).back() : constant;
        const Value& other = meets ? values(next_lane(lane)).at(at(i - 1)) : previous;
        const BufferId result = add_buffer(first_bytes + slot * kRowBytes, 1);
        const InstructionId id = add(lane, "add", {whole(previous), whole(other)}, result);
        meet(id, lane, i);
        values(lane).push_back({result, {id}});
      }
    }
  }

  /// Number i of a lane knows how far both neighbours are.
  void meet(InstructionId id, int32_t lane, int32_t i) {
    if (i == 0) return wait(id, previous_lane(lane), length_, 1);
    if (i % kMeetingSpacing != 0) return;
    wait(id, next_lane(lane), i, 0);
    wait(id, previous_lane(lane), i - kMeetingSpacing + 1, 0);
  }

  // Even lanes send every fourth value, from a buffer of its own, to the odd lane behind them,
  // which reads it for the same step an interval later. All buffers have two versions.
  void make_stages() {
    const Value constant{add_constant(1), {}};
    const int64_t first_bytes = reserve(2 * kRowBytes * num_lanes_ * kRingSlots);
    for (int32_t i = 0; i < length_; ++i) {
      for (int32_t lane = 0; lane < num_lanes_; ++lane) {
        const bool is_odd = lane % 2 == 1;
        const bool meets = i % kMeetingSpacing == 0;
        const int64_t slot = lane * kRingSlots + i % kRingSlots;
        const int64_t offset =
            meets && !is_odd ? reserve(2 * kRowBytes) : first_bytes + slot * 2 * kRowBytes;
        const Value& previous = i > 0 ? values(lane).back() : constant;
        const Value& other = meets && is_odd ? values(lane - 1).back() : previous;
        const BufferId result = add_buffer(offset, 1, 2);
        const InstructionId id = add(lane, "add", {whole(previous), whole(other)}, result);
        if (meets) wait(id, is_odd ? lane - 1 : lane + 1, i + 1, 1);
        plan_.instructions[id].stage = is_odd ? 1 : 0;
        values(lane).push_back({result, {id}});
      }
    }
  }

  // One lane's bytes:  [--][--][--][----][----]   sizes change every 16 instructions;
  //                    [---][---][---][--]        from the end it starts again
  void make_pools() {
    std::vector<Value> constants;
    for (int64_t size = 1; size <= kPoolSizes; ++size)
      constants.push_back({add_constant(size), {}});
    for (int32_t lane = 0; lane < num_lanes_; ++lane) {
      const int64_t first_bytes = reserve(kPoolRows * kRowBytes);
      int64_t next_row = 0;
      Value previous;
      for (int32_t i = 0; i < length_; ++i) {
        const int64_t size = 1 + (i / kPoolSegment * 5 + lane) % kPoolSizes;
        if (i % kPoolSegment == 0) previous = constants[static_cast<size_t>(size - 1)];
        if (next_row + size > kPoolRows) next_row = 0;
        const BufferId result = add_buffer(first_bytes + next_row * kRowBytes, size);
        next_row += size;
        const InstructionId id = add(lane, "softmax", {whole(previous)}, result);
        meet(id, lane, i);
        previous = {result, {id}};
      }
    }
  }

  // Every instruction adds a state to what its lane has; at the end of a step each row of the state
  // is replaced, after all lanes have read it and before any reads it again.
  void make_hot_state() {
    const BufferId hot = add_buffer(reserve(kHotRows * kRowBytes), kHotRows);
    plan_.states.push_back({"hot", rows_type(kHotRows), Initializer(), {hot}});
    const Value constant{add_constant(kHotRows), {}};
    Value state{hot, {}};
    for (int32_t row = 0; row < kHotRows; ++row) {
      state.writers.emplace_back(num_lanes_ * length_ + row);
    }
    const int64_t first_bytes = reserve(kHotRows * kRowBytes * num_lanes_ * kRingSlots);
    for (int32_t lane = 0; lane < num_lanes_; ++lane) {
      Value previous = constant;
      for (int32_t i = 0; i < length_; ++i) {
        const int64_t slot = lane * kRingSlots + i % kRingSlots;
        const BufferId result = add_buffer(first_bytes + slot * kHotRows * kRowBytes, kHotRows);
        const InstructionId id = add(lane, "add", {whole(previous), whole(state, 1)}, result);
        for (int32_t row = 0; i == 0 && row < std::min<int32_t>(kHotRows, num_lanes_); ++row) {
          const auto num_rows = static_cast<int32_t>((kHotRows - row - 1) / num_lanes_ + 1);
          wait(id, row, length_ + num_rows, 1);
        }
        previous = {result, {id}};
      }
      values(lane).push_back(previous);
    }
    for (int32_t row = 0; row < kHotRows; ++row) replace_row(row, state);
  }

  void replace_row(int32_t row, const Value& state) {
    const int32_t lane = row % num_lanes_;
    const RowRange rows{row, row + 1};
    const Value& last = values(lane).back();
    const InstructionId writer = state.writers[at(row)];
    const InstructionId id =
        add(lane, "add", {{state.buffer, {writer}, 1, rows}, {last.buffer, last.writers, 0, rows}},
            state.buffer);
    plan_.instructions[id].rows = rows;
    for (int32_t other = 0; other < num_lanes_; ++other) {
      if (other != lane) wait(id, other, length_, 0);
    }
  }

  //  phase    0         1             2         3
  //  region 0 [small]..                         [one large, row by row]
  //  region 1           [one large]
  //  region 2                         [small]..
  void make_blocks() {
    block_rows_ = std::min(kMaxBlockRows, length_);
    const Value constant{add_constant(block_rows_), {}};
    length_ = (length_ + block_rows_ - 1) / block_rows_ * block_rows_;
    for (int32_t lane = 0; lane < num_lanes_; ++lane) {
      const int64_t first_bytes = reserve(3 * kRowBytes * block_rows_);
      std::vector<Operand> previous = rows_of(constant);
      for (int32_t i = 0; i < length_;) {
        const int32_t phase = i / block_rows_;
        const int64_t offset = first_bytes + kRowBytes * block_rows_ * (phase % 3);
        previous = phase % 2 == 0 ? add_small(lane, i, offset, previous)
                                  : add_large(lane, i, offset, previous);
        i += block_rows_;
      }
    }
  }

  // Lanes 0, 1 on host 0, 2, 3 on host 1, ...: number 8 of lane 1 reads value 7 of lane 2, which is
  // sent behind [7] and received where lane 1 has read what was there.
  //
  // lane 1            ... 7 [8] ...
  // h0 from h1              -
  // h1->h0                -
  // lane 2            ... 7 [8] ...       value 7 is overwritten by 19, behind [12]: its send, too
  void make_hosts() {
    num_hosts_ = num_lanes_ % 4 == 0 && num_lanes_ > 4 ? 4 : 2;
    std::vector<Value> constants;
    std::vector<int64_t> first_bytes;
    for (int32_t host = 0; host < num_hosts_; ++host) {
      add_host(host);
      constants.push_back({add_constant(1), {}});
      first_bytes.push_back(reserve(kRowBytes * num_lanes_ * kRingSlots));
    }
    for (int32_t host = 0; host < num_hosts_; ++host) add_channel(host);
    for (int32_t i = 0; i < length_; ++i) {
      for (int32_t lane = 0; lane < num_lanes_; ++lane) {
        const size_t host = at(host_of_lane(lane));
        arena_ = ArenaId(host);
        const bool meets = i > 0 && i % kMeetingSpacing == 0;
        const Value& previous = i > 0 ? values(lane).back() : constants[host];
        Value other = previous;
        if (meets) {
          other = is_at_border(lane) ? receive(lane, i) : values(next_lane(lane)).at(at(i - 1));
        }
        const int64_t slot = lane * kRingSlots + i % kRingSlots;
        const BufferId result = add_buffer(first_bytes[host] + slot * kRowBytes, 1);
        const InstructionId id = add(lane, "add", {whole(previous), whole(other)}, result);
        meet_over_hosts(id, lane, i);
        values(lane).push_back({result, {id}});
      }
    }
  }

  int32_t host_of_lane(int32_t lane) const { return lane / (num_lanes_ / num_hosts_); }
  /// Whether its neighbour is on another host.
  bool is_at_border(int32_t lane) const {
    return host_of_lane(lane) != host_of_lane(next_lane(lane));
  }

  void add_host(int32_t host) {
    const std::string name = "h" + std::to_string(host);
    plan_.hosts.push_back(name);
    if (host > 0) {
      plan_.devices.push_back({"", "cpu", int64_t{1} << 50, 0, HostId(host)});
      plan_.arenas.push_back({DeviceId(host), MemoryKind::kPageable, 0});
    }
    arena_ = ArenaId(host);
    plan_.devices[DeviceId(host)].name = name + "/cpu";
    plan_.arenas[arena_].kind = MemoryKind::kPinned;
    const int32_t num_lanes = num_lanes_ / num_hosts_;
    for (int32_t lane = 0; lane < num_lanes; ++lane) {
      PlanLane& own = plan_.lanes[LaneId(host * num_lanes + lane)];
      own.device = own.destination = DeviceId(host);
    }
  }

  /// From the host behind it.
  void add_channel(int32_t host) {
    const int32_t sender = (host + 1) % num_hosts_;
    const std::string name = std::to_string(sender) + "->" + std::to_string(host);
    const LaneId send = plan_.lanes.push_back(
        {"send " + name, LaneKind::kSend, DeviceId(sender), DeviceId(sender), {}, {}});
    const LaneId receive = plan_.lanes.push_back(
        {"receive " + name, LaneKind::kReceive, DeviceId(host), DeviceId(host), {}, {}, send});
    plan_.lanes[send].peer = receive;
    arena_ = ArenaId(host);
    slots_bytes_.push_back(reserve(kRowBytes * kRingSlots));
  }
  LaneId receive_lane_to(int32_t host) const { return LaneId(num_lanes_ + 2 * host + 1); }
  LaneId send_lane_to(int32_t host) const { return LaneId(num_lanes_ + 2 * host); }

  /// Value i - 1 of the next lane, for number i of this one.
  Value receive(int32_t lane, int32_t i) {
    const int32_t host = host_of_lane(lane);
    const int32_t next = next_lane(lane);
    const int64_t slot = i / kMeetingSpacing % kRingSlots;
    const BufferId buffer = add_buffer(slots_bytes_[at(host)] + slot * kRowBytes, 1);
    Instruction message;
    message.kind = InstructionKind::kSend;
    message.name = "m" + std::to_string(plan_.instructions.size());
    message.cost = {.latency_ns = 1, .work_ns = 10, .shared_ns = {}};
    Instruction arrival = message;
    message.reads = {whole(values(next).at(at(i - 1)))};
    arrival.kind = InstructionKind::kReceive;
    arrival.writes = {buffer};
    const InstructionId send = plan_.instructions.push_back(std::move(message));
    const InstructionId received = plan_.instructions.push_back(std::move(arrival));
    plan_.lanes[send_lane_to(host)].instructions.push_back(send);
    plan_.lanes[receive_lane_to(host)].instructions.push_back(received);
    wait(send, next, i, 0);
    const int32_t last_reader = i - kMeetingSpacing * kRingSlots;
    wait(received, lane, last_reader > 0 ? last_reader + 1 : length_, last_reader > 0 ? 0 : 1);
    return {buffer, {received}};
  }

  /// The same as meet, where a neighbour on another host is known by its messages.
  void meet_over_hosts(InstructionId id, int32_t lane, int32_t i) {
    const int32_t previous = previous_lane(lane);
    const bool is_behind_border = is_at_border(previous);
    const LaneId sends = send_lane_to(host_of_lane(previous));
    if (i == 0 && is_behind_border) {
      return wait(id, sends.value(), (length_ - 1) / kMeetingSpacing, 1);
    }
    if (i == 0) return wait(id, previous, length_, 1);
    if (i % kMeetingSpacing != 0) return;
    if (is_at_border(lane)) {
      wait(id, receive_lane_to(host_of_lane(lane)).value(), i / kMeetingSpacing, 0);
    } else {
      wait(id, next_lane(lane), i, 0);
    }
    if (is_behind_border) {
      wait(id, sends.value(), i / kMeetingSpacing - 1, 0);
    } else {
      wait(id, previous, i - kMeetingSpacing + 1, 0);
    }
  }

  std::vector<Operand> rows_of(const Value& value) const {
    std::vector<Operand> rows;
    for (int32_t row = 0; row < block_rows_; ++row) {
      rows.push_back({value.buffer, {}, 0, RowRange{row, row + 1}});
      if (!value.writers.empty()) rows.back().producers = {value.writers[at(row)]};
    }
    return rows;
  }

  std::vector<Operand> add_small(int32_t lane, int32_t first, int64_t offset,
                                 const std::vector<Operand>& reads) {
    std::vector<Operand> results;
    for (int32_t row = 0; row < block_rows_; ++row) {
      const BufferId result = add_buffer(offset + row * kRowBytes, 1);
      const InstructionId id = add(lane, "softmax", {reads[at(row)]}, result);
      meet(id, lane, first + row);
      results.push_back({result, {id}, 0, {}});
    }
    return results;
  }

  std::vector<Operand> add_large(int32_t lane, int32_t first, int64_t offset,
                                 const std::vector<Operand>& reads) {
    Value large{add_buffer(offset, block_rows_), {}};
    for (int32_t row = 0; row < block_rows_; ++row) {
      const InstructionId id = add(lane, "softmax", {reads[at(row)]}, large.buffer);
      plan_.instructions[id].rows = RowRange{row, row + 1};
      meet(id, lane, first + row);
      large.writers.push_back(id);
    }
    return rows_of(large);
  }

  static size_t at(int32_t index) { return static_cast<size_t>(index); }

  PlanShape shape_;
  int32_t num_lanes_;
  int32_t length_;  // instructions of a lane
  int32_t block_rows_ = 1;
  int32_t num_hosts_ = 1;
  ArenaId arena_{0};                  // where buffers are added
  std::vector<int64_t> slots_bytes_;  // of every host, where it receives
  Plan plan_;
  std::vector<std::vector<Value>> values_;  // of every lane
};

}  // namespace

std::span<const PlanShape> all_plan_shapes() { return kShapes; }

std::string_view to_string(PlanShape shape) {
  switch (shape) {
    case PlanShape::kRings:
      return "rings";
    case PlanShape::kStages:
      return "stages";
    case PlanShape::kPools:
      return "pools";
    case PlanShape::kHotState:
      return "hot state";
    case PlanShape::kBlocks:
      return "blocks";
    case PlanShape::kHosts:
      return "hosts";
  }
  return "";
}

Plan large_plan(PlanShape shape, int32_t num_instructions, int32_t num_lanes) {
  return LargePlan(shape, num_instructions, num_lanes).make();
}

}  // namespace graphrt
