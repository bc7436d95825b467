#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/shared_bytes.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"
#include "runtime/plan/source_graph.h"

/// The contract between compiler, verifier and runtime: what docs/plan.md says, as plain values.
namespace graphrt {

using HostId = Id<struct HostTag>;
using DeviceId = Id<struct DeviceTag>;
using ArenaId = Id<struct ArenaTag>;
using BufferId = Id<struct BufferTag>;
using LaneId = Id<struct LaneTag>;
using InstructionId = Id<struct InstructionTag>;
using InputId = Id<struct InputTag>;
using SharedResourceId = Id<struct SharedResourceTag>;

/// Every offset and every version of a buffer starts at a multiple of this.
inline constexpr int64_t kBufferAlignmentBytes = 256;

/// No stage, no distance and no number of versions is larger.
inline constexpr int32_t kMaxStepsInFlight = 256;

/// No lane shares more resources with others.
inline constexpr size_t kMaxLaneResources = 4;

/// No predicted time is larger (13 days), so that sums of them stay far from overflow.
inline constexpr int64_t kMaxPredictedNs = int64_t{1} << 50;

struct PlanDevice {
  std::string name;
  std::string kind;          ///< names a back end: "cpu", "cuda"
  int64_t memory_bytes = 0;  ///< as the machine file states
  int32_t index = 0;         ///< which one of its kind on its host
  HostId host{0};            ///< devices of a host follow one another, and its CPU is the first
  bool operator==(const PlanDevice&) const = default;
};

/// Memory of an accelerator, or one of the two sorts that the host has: a copy runs beside other
/// work only if the host's end of it is pinned, locked into physical memory and known to the
/// accelerators; pageable memory costs nothing of that.
enum class MemoryKind : uint8_t { kDevice, kPinned, kPageable };

/// One allocation, made once at load. A device may have several.
struct PlanArena {
  DeviceId device;
  MemoryKind kind = MemoryKind::kDevice;
  int64_t size_bytes = 0;
  bool operator==(const PlanArena&) const = default;
};

/// `versions` slots of `stride_bytes` each, from `offset_bytes` on; step s uses slot s mod
/// versions.
struct PlanBuffer {
  std::string name;
  TensorType type;
  ArenaId arena;
  int64_t offset_bytes = 0;
  int64_t stride_bytes = 0;  ///< distance between versions; at least the type's size
  int32_t versions = 1;
  bool operator==(const PlanBuffer&) const = default;
};

/// What lanes share, so that they slow each other down: the unit that computes for the streams of a
/// GPU, a switch or a network card for links.
struct PlanResource {
  std::string name;
  bool operator==(const PlanResource&) const = default;
};

enum class LaneKind : uint8_t { kCompute, kLink, kFeed, kOutput, kSend, kReceive };

/// An in-order queue: a CPU worker, a GPU stream, one direction of one link, a feed reader, an
/// output writer; messages from one host to another, at either end. Messages of a lane start in
/// order and end in order, and may be under way together.
struct PlanLane {
  std::string name;
  LaneKind kind = LaneKind::kCompute;
  DeviceId device;       ///< kLink: where it copies from
  DeviceId destination;  ///< kLink: where it copies to; otherwise equal to `device`
  std::vector<SharedResourceId> resources;  ///< all different, kMaxLaneResources at most
  std::vector<InstructionId> instructions;  ///< in the order they run in every interval
  /// kSend, kReceive: the lane at the other end, on another host; the k-th instructions of both
  /// are a pair.
  std::optional<LaneId> peer = {};
  bool operator==(const PlanLane&) const = default;
};

/// Before this instruction in interval t, `lane` has finished its first `count` instructions of
/// interval t - distance.
struct Wait {
  LaneId lane;
  int32_t count = 0;
  int32_t distance = 0;
  bool operator==(const Wait&) const = default;
};

/// What an instruction reads: what `producers` wrote `distance` steps before, or, in the first
/// `distance` steps, the buffer's first content. Without producers: the content filled in at load,
/// which nothing replaces (a constant, or a state that the graph does not update).
struct Operand {
  BufferId buffer;
  std::vector<InstructionId> producers;  ///< all that write any of these rows, ascending
  int32_t distance = 0;
  std::optional<RowRange> rows = {};  ///< the part of the buffer that is read; absent: all of it
  std::optional<Shape> shape = {};    ///< what that is to the reader; absent: as it is
  bool operator==(const Operand&) const = default;
};

/// A pair moves a value between hosts: a send reads it on one, a receive writes it on the other.
enum class InstructionKind : uint8_t { kKernel, kCopy, kFeed, kOutput, kSend, kReceive };

/// Predicted cost: the lane is busy `latency_ns + work_ns`; resource i of its lane is taken for
/// `shared_ns[i]` from the end of the latency on, 0 for those that the lane does not have.
struct TaskCost {
  int64_t latency_ns = 0;
  int64_t work_ns = 0;
  std::array<int64_t, kMaxLaneResources> shared_ns{};
  int64_t duration_ns() const { return latency_ns + work_ns; }
  bool operator==(const TaskCost&) const = default;
};

struct Instruction {
  InstructionKind kind = InstructionKind::kKernel;
  std::string name;       ///< the user's name for it: a node, or "w1 -> gpu0" for a copy
  std::string op;         ///< kKernel: its row in the operator table
  Attributes attributes;  ///< kKernel
  /// kKernel: which of the back end's algorithms, in its words; empty: the one it takes by itself.
  std::string algorithm;
  std::vector<Operand> reads;
  std::vector<BufferId> writes;  ///< a buffer for each result, all different
  std::optional<RowRange> rows;  ///< the part of each of them that is written; absent: all of it
  /// kKernel: bytes that nothing else touches while it runs, as many as its operator needs (u8).
  std::optional<BufferId> scratch;
  std::optional<InputId> input;  ///< kFeed: which plan input it reads
  int32_t stage = 0;             ///< works in interval t on step t - stage
  /// kKernel: started in one launch with the instruction before it on its lane, and those that this
  /// one is joined to: they run side by side, and others can wait for all of them only.
  bool is_joined = false;
  std::vector<Wait> waits;
  TaskCost cost;
  int64_t predicted_start_ns = 0;  ///< of step 0, from the start of interval 0
  int64_t predicted_end_ns = 0;
  bool operator==(const Instruction&) const = default;
};

/// A value given from outside, every step.
struct PlanInput {
  std::string name;
  TensorType type;
  std::optional<std::string> feed_path;  ///< relative to the folder of the plan
  bool operator==(const PlanInput&) const = default;
};

/// A value handed out. With an instruction it is delivered to the host every step; without, it
/// stays in its buffer on the device.
struct PlanOutput {
  std::string name;
  Operand value;
  std::optional<InstructionId> instruction;
  bool operator==(const PlanOutput&) const = default;
};

/// A value that is carried from step to step. All its buffers hold the first value after load.
struct PlanState {
  std::string name;
  TensorType type;
  Initializer initializer;
  std::vector<BufferId> buffers;  ///< one a device that reads it; the first is saved and loaded
  bool operator==(const PlanState&) const = default;
};

struct PlanConstant {
  std::string name;
  SharedBytes data;
  std::vector<BufferId> buffers;
  bool operator==(const PlanConstant&) const = default;
};

struct Fingerprints {
  std::string graph;     ///< 16 hex digits, of the graph's text form before any pass
  std::string machine;   ///< 16 hex digits, of the machine's text form
  std::string compiler;  ///< version of graphc
  bool operator==(const Fingerprints&) const = default;
};

/// Names of what a reader must understand; a plan that requires another one is refused.
inline constexpr std::array<std::string_view, 8> kKnownFeatures = {
    "algorithms", "hosts", "joined", "rows", "shapes", "stages", "state", "versions"};

/// A whole static schedule.
struct Plan {
  std::string name;
  std::vector<std::string> required_features;  ///< sorted, of kKnownFeatures
  Fingerprints fingerprints;
  IdVector<HostId, std::string> hosts;  ///< their names; empty: one host, which needs no name
  IdVector<DeviceId, PlanDevice> devices;
  IdVector<ArenaId, PlanArena> arenas;
  IdVector<BufferId, PlanBuffer> buffers;
  IdVector<SharedResourceId, PlanResource> resources;
  IdVector<LaneId, PlanLane> lanes;
  IdVector<InstructionId, Instruction> instructions;
  IdVector<InputId, PlanInput> inputs;
  std::vector<PlanOutput> outputs;
  std::vector<PlanState> states;
  std::vector<PlanConstant> constants;
  SourceGraph source;
  int64_t predicted_interval_ns = 0;  ///< of the steady state
  bool operator==(const Plan&) const = default;
};

/// The largest stage of any instruction: N steps take N + max_stage(plan) intervals.
int32_t max_stage(const Plan& plan);

/// The features that a reader of the plan must know, sorted: what `required_features` has to be.
std::vector<std::string> features_of(const Plan& plan);

/// At least 1.
size_t num_hosts(const Plan& plan);
/// Whether it is the CPU of a host, whose memory is the host's.
bool is_host_device(const Plan& plan, DeviceId device);
/// The CPU of a host. Requires: it has one, as hosts of verified plans have.
DeviceId host_device_of(const Plan& plan, HostId host);
/// Where a lane's instructions run.
HostId host_of(const Plan& plan, LaneId lane);
HostId host_of(const Plan& plan, BufferId buffer);
/// Sends or receives.
bool is_message_lane(LaneKind kind);

/// How many resources the lane of each instruction has; 0 for one that stands on no lane.
IdVector<InstructionId, size_t> num_lane_resources(const Plan& plan);

/// What an instruction reads or writes of a buffer, as a tensor of its own.
TensorType operand_type(const Plan& plan, const Operand& operand);
std::vector<TensorType> result_types(const Plan& plan, const Instruction& instruction);

/// All that an instruction writes to: its results, and its scratch memory.
std::vector<BufferId> written_buffers(const Instruction& instruction);
/// Which rows it writes of one of those; absent: all of the buffer, as of scratch memory.
std::optional<RowRange> written_rows(const Instruction& instruction, BufferId buffer);

/// Who writes each buffer, as its result or as scratch memory, in the order of their rows.
IdVector<BufferId, std::vector<InstructionId>> writers_of_buffers(const Plan& plan);
/// Those of `writers` that write any of these rows of the buffer, ascending. Requires: they stand
/// in the order of their rows, of which they share none.
std::vector<InstructionId> producers_of_rows(const Plan& plan, BufferId buffer,
                                             const std::optional<RowRange>& rows,
                                             const std::vector<InstructionId>& writers);

/// Lane and position of every instruction.
struct LanePosition {
  LaneId lane;
  int32_t position = 0;
};
IdVector<InstructionId, LanePosition> lane_positions(const Plan& plan);

}  // namespace graphrt
