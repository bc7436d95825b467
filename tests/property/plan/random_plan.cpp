#include "tests/property/plan/random_plan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <utility>

#include "tests/property/plan/needed_waits.h"
#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {
namespace {

constexpr int64_t kSmall = 64;   // elements: one slot of 256 bytes
constexpr int64_t kLarge = 128;  // two slots
constexpr int64_t kSlotBytes = 256;

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), hosts_(1) {
    hosts_[0].pageable = builder_.arena(kHostDevice, MemoryKind::kPageable);
  }

  Plan generate() {
    add_states();
    add_lanes(3);
    const int32_t num_instructions = 2 + pick(6);
    for (int32_t i = 0; i < num_instructions; ++i) add_instruction(std::to_string(i));
    return finish();
  }

  /// Over 2 to 4 hosts, which send each other what they have.
  Plan generate_over_hosts() {
    const int32_t num_hosts = 2 + (is_one_in(2) ? 0 : pick(3));
    for (int32_t i = 1; i < num_hosts; ++i) {
      const DeviceId cpu = builder_.host();
      hosts_.push_back({.cpu = cpu, .pageable = builder_.arena(cpu, MemoryKind::kPageable)});
    }
    for (host_ = 0; host_ < hosts_.size(); ++host_) {
      add_states();
      add_lanes(2);
    }
    add_channels();
    const int32_t num_instructions = 3 + pick(4) + num_hosts;
    for (int32_t i = 0; i < num_instructions; ++i) {
      host_ = static_cast<size_t>(pick(num_hosts));
      const std::string number = std::to_string(i);
      if (is_one_in(2) || !add_message("message" + number)) add_instruction(number);
    }
    return finish();
  }

 private:
  struct Known {
    ReadOf read;
    int64_t size;
    int32_t stage;  // the earliest that a reader can have
    bool is_pinned = true;
  };
  struct Host {
    DeviceId cpu = kHostDevice;
    ArenaId pageable = {};
    LaneId feeds = {};
    std::vector<LaneId> lanes = {};
    std::vector<Known> values = {};
    std::vector<BufferId> free_states = {};
  };
  struct Channel {
    LanePair lanes;
    size_t from = 0;
    size_t to = 0;
  };

  Host& host() { return hosts_[host_]; }
  /// In front of names, which differ.
  std::string prefix() const { return hosts_.size() == 1 ? "" : "h" + std::to_string(host_) + "/"; }

  void add_lanes(int32_t max_lanes) {
    host().feeds = builder_.lane(prefix() + "feeds", LaneKind::kFeed, host().cpu);
    const int32_t num_lanes = 1 + pick(max_lanes);
    for (int32_t i = 0; i < num_lanes; ++i) {
      host().lanes.push_back(
          builder_.lane(prefix() + "lane" + std::to_string(i), LaneKind::kCompute, host().cpu));
    }
  }
  LaneId pick_lane() {
    return host().lanes[static_cast<size_t>(pick(static_cast<int32_t>(host().lanes.size())))];
  }

  void add_channels() {
    for (size_t from = 0; from < hosts_.size(); ++from) {
      for (size_t to = 0; to < hosts_.size(); ++to) {
        if (from == to || is_one_in(4)) continue;
        const int32_t number = is_one_in(6) ? 2 : 1;
        for (int32_t i = 0; i < number; ++i) {
          channels_.push_back({builder_.message_lanes(hosts_[from].cpu, hosts_[to].cpu,
                                                      i == 0 ? "" : "." + std::to_string(i)),
                               from, to});
        }
      }
    }
  }

  void add_instruction(const std::string& number) {
    const LaneId lane = pick_lane();
    if (host().values.empty() || is_one_in(6)) {
      add_feed(host().feeds, "feed" + number);
    } else if (!has_attention_ && is_one_in(16)) {
      add_attention(lane, "op" + number);
    } else {
      add_kernel(lane, "op" + number);
    }
  }

  /// From any host to this one, if there is something to send.
  bool add_message(const std::string& name) {
    std::vector<std::pair<Channel, Known>> all;
    for (const Channel& channel : channels_) {
      if (channel.to != host_) continue;
      for (const Known& value : hosts_[channel.from].values) {
        if (value.is_pinned) all.emplace_back(channel, value);
      }
    }
    if (all.empty()) return false;
    const auto& [channel, value] = all[static_cast<size_t>(pick(static_cast<int32_t>(all.size())))];
    const int32_t stage = std::min(value.stage + (is_one_in(4) ? 1 : 0), 2);
    if (value.size == kLarge && is_one_in(2)) {
      receive_in_halves(channel, value, name, stage);
    } else if (value.size == kSmall && !host().free_states.empty() && is_one_in(3)) {
      const BufferId state = host().free_states.back();
      host().free_states.pop_back();
      builder_.message(channel.lanes, name, value.read, state, stage);
    } else {
      const BufferId result = new_pinned_buffer(name, value.size);
      builder_.message(channel.lanes, name, value.read, result, stage);
      publish(result, value.size, stage);
    }
    return true;
  }

  void receive_in_halves(const Channel& channel, const Known& value, const std::string& name,
                         int32_t stage) {
    const BufferId result = new_pinned_buffer(name, kLarge);
    for (const RowRange& rows : {RowRange{0, kSmall}, RowRange{kSmall, kLarge}}) {
      ReadOf half = value.read;
      half.rows = within(half, rows);
      const auto message = builder_.message(channel.lanes, name + (rows.begin == 0 ? "a" : "b"),
                                            half, result, stage);
      builder_.writes_rows(message.receive, rows);
    }
    publish(result, kLarge, stage);
  }

  Plan finish() {
    if (is_one_in(4) && (last_result_ || hosts_.size() == 1)) {
      builder_.resident_output("kept", {last_result_.value_or(BufferId()), 0});
    }
    plan_ = builder_.build();
    place_scratch();
    if (!is_one_in(10)) add_needed_waits(plan_);
    damage();
    return std::move(plan_);
  }

  int32_t pick(int32_t count) {
    return static_cast<int32_t>(random_() % static_cast<uint64_t>(count));
  }
  bool is_one_in(int32_t count) { return pick(count) == 0; }

  void add_states() {
    const int32_t num_states = pick(3);
    for (int32_t i = 0; i < num_states; ++i) {
      const int32_t versions = 1 + pick(2);
      const std::string name = prefix() + "state" + std::to_string(i);
      const BufferId buffer =
          builder_.buffer_at(name, kFirstStateBytes + 2 * kSlotBytes * i, host().cpu, versions);
      builder_.state(name, {buffer});
      host().values.push_back({{buffer, 1 + pick(versions)}, kSmall, 0});
      host().free_states.push_back(buffer);
    }
  }

  /// Somewhere among eight slots, so that many buffers meet; some in an arena of another kind,
  /// where the same offsets are other bytes.
  BufferId new_buffer(const std::string& name, int64_t size) {
    const int32_t versions = is_one_in(2) ? 1 : 1 + pick(3);
    const int64_t offset_bytes = pick(8) * kSlotBytes;
    is_pinned_ = !is_one_in(4);
    if (!is_pinned_) {
      return builder_.buffer_at(name, offset_bytes, host().pageable, versions, size);
    }
    return builder_.buffer_at(name, offset_bytes, host().cpu, versions, size);
  }
  BufferId new_pinned_buffer(const std::string& name, int64_t size) {
    const int32_t versions = is_one_in(2) ? 1 : 1 + pick(3);
    is_pinned_ = true;
    return builder_.buffer_at(name, pick(8) * kSlotBytes, host().cpu, versions, size);
  }

  /// Requires: the result is the buffer that was made last.
  void publish(BufferId result, int64_t size, int32_t stage) {
    host().values.push_back({{result, 0}, size, stage, is_pinned_});
    if (host_ == 0) last_result_ = result;
  }

  void add_feed(LaneId lane, const std::string& name) {
    const int64_t size = is_one_in(3) ? kLarge : kSmall;
    const int32_t stage = is_one_in(4) ? 1 : 0;
    const BufferId buffer = new_buffer(name, size);
    builder_.feed(lane, name, buffer, stage);
    publish(buffer, size, stage);
  }

  Known pick_value() {
    return host().values[static_cast<size_t>(pick(int32_t(host().values.size())))];
  }

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
      host().values.push_back(half);
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
    if (a.size == kSmall && !host().free_states.empty() && is_one_in(3)) {
      const BufferId state = host().free_states.back();
      host().free_states.pop_back();
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
        lane = pick_lane();
      }
    }
    const BufferId flat = new_buffer(name + ".flat", kSmall);
    builder_.kernel(lane, name + ".flat", "reshape", {{is_one_in(2) ? result : log_sum}}, flat,
                    stage, shape_of({kSmall}));
    publish(flat, kSmall, stage);
    if (is_one_in(3) && host_ == 0) last_result_ = log_sum;
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
      lane = pick_lane();
    }
  }

  /// These rows of what `read` reads.
  static RowRange within(const ReadOf& read, const RowRange& rows) {
    const int64_t begin = read.rows ? read.rows->begin : 0;
    return {begin + rows.begin, begin + rows.end};
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
      if (lane.kind == LaneKind::kReceive) continue;  // with its sends
      for (size_t i = 1; i < lane.instructions.size(); ++i) {
        if (!is_one_in(6)) continue;
        std::swap(lane.instructions[i - 1], lane.instructions[i]);
        if (!lane.peer) continue;
        std::vector<InstructionId>& received = plan_.lanes[*lane.peer].instructions;
        std::swap(received[i - 1], received[i]);
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
  std::vector<Host> hosts_;
  size_t host_ = 0;  // whose part is being made
  std::vector<Channel> channels_;
  Plan plan_;
  bool has_attention_ = false;
  bool is_pinned_ = true;                // the last buffer that was made
  std::optional<BufferId> last_result_;  // of the first host
};

}  // namespace

Plan random_plan(uint64_t seed) { return Generator(seed).generate(); }

Plan random_plan_over_hosts(uint64_t seed) { return Generator(seed).generate_over_hosts(); }

}  // namespace graphrt
