#include "tests/fuzz/plan_run.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/check.h"
#include "runtime/device/device_registry.h"
#include "runtime/observe/reference_check.h"
#include "runtime/op/op_table.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/threaded_lane_queue.h"

namespace graphrt::fuzz {
namespace {

constexpr int64_t kNumSteps = 4;
constexpr int64_t kMaxIntervalsPerWindow = 3;
constexpr int64_t kMaxBytes = int64_t{1} << 20;  // of arenas, of inputs, of outputs, of the source
constexpr double kMaxWork = 1 << 22;             // operations and bytes a step
constexpr size_t kMaxInstructions = 96;
constexpr size_t kMaxLanes = 24;
constexpr size_t kMaxDevices = 8;
/// Of the verifier's order: 4 bytes each.
constexpr size_t kMaxCounters = size_t{1} << 20;

/// Adds sizes that a file claims; stays below 2^60 in all.
class Total {
 public:
  void add(int64_t size) { sum_ += std::clamp<int64_t>(size, 0, int64_t{1} << 50); }
  bool is_within(int64_t limit) const { return sum_ <= limit; }

 private:
  int64_t sum_ = 0;
};

bool is_memory_small(const Plan& plan) {
  Total arenas;
  Total inputs;
  Total outputs;
  Total source;
  for (const PlanArena& arena : plan.arenas) arenas.add(arena.size_bytes);
  for (const PlanInput& input : plan.inputs) inputs.add(input.type.size_bytes());
  for (const PlanOutput& output : plan.outputs) {
    outputs.add(plan.buffers[output.value.buffer].type.size_bytes());
  }
  for (const SourceValue& value : plan.source.values) source.add(value.type.size_bytes());
  return arenas.is_within(kMaxBytes) && inputs.is_within(kMaxBytes) &&
         outputs.is_within(kMaxBytes) && source.is_within(kMaxBytes);
}

/// Operands that fit their operator: what other operators would cost cannot be told, nor run.
double work_of(std::string_view name, const std::vector<TensorType>& types,
               const Attributes& attributes) {
  const OpInfo* op = find_op(name);
  if (op == nullptr) return 0;
  const auto results = infer_types(*op, types, attributes);
  if (!results) return 0;
  const Work work = op->work_rule(types, *results, attributes);
  return work.num_flops + work.num_bytes;
}

bool is_work_small(const Plan& plan) {
  double work = 0;
  for (const Instruction& instruction : plan.instructions) {
    if (instruction.kind != InstructionKind::kKernel) continue;
    std::vector<TensorType> types;
    for (const Operand& operand : instruction.reads) types.push_back(operand_type(plan, operand));
    work += work_of(instruction.op, types, instruction.attributes);
  }
  for (const SourceNode& node : plan.source.nodes) {
    std::vector<TensorType> types;
    for (const SourceValueId input : node.inputs) types.push_back(plan.source.values[input].type);
    work += work_of(node.op, types, node.attributes);
  }
  return work <= kMaxWork;
}

bool is_order_small(const Plan& plan) {
  int32_t versions = 1;
  int32_t distance = 0;
  for (const PlanBuffer& buffer : plan.buffers) versions = std::max(versions, buffer.versions);
  for (const Instruction& instruction : plan.instructions) {
    for (const Operand& read : instruction.reads) distance = std::max(distance, read.distance);
  }
  const auto horizon = static_cast<size_t>(versions + distance + max_stage(plan) + 1);
  return plan.instructions.size() * plan.lanes.size() * horizon <= kMaxCounters;
}

/// The same values in every run: small numbers, some of them no labels of any class.
Tensor array_for(const TensorType& type) {
  Tensor array = zeros(type);
  for (size_t i = 0; i < array.data.size() / sizeof(uint32_t); ++i) {
    const auto number = static_cast<int32_t>(i * 7 % 5) - 1;
    const auto real = 0.5F * static_cast<float>(number);
    if (type.element == ElementType::kF32) {
      std::memcpy(array.data.data() + i * sizeof real, &real, sizeof real);
    } else {
      std::memcpy(array.data.data() + i * sizeof number, &number, sizeof number);
    }
  }
  return array;
}

Result<void> prepare(Session& session) {
  for (const PlanInput& input : session.plan().inputs) {
    TRY(session.set_input(input.name, array_for(input.type)));
  }
  for (const PlanOutput& output : session.plan().outputs) {
    if (output.instruction) TRY(session.stack_output(output.name));
  }
  return {};
}

/// Every bit that a run leaves.
Result<std::vector<Tensor>> results_of(const Session& session) {
  std::vector<Tensor> results;
  for (const PlanOutput& output : session.plan().outputs) {
    TRY(Tensor value,
        output.instruction ? session.stacked(output.name) : session.last(output.name));
    results.push_back(std::move(value));
  }
  for (const PlanState& state : session.plan().states) {
    TRY(Tensor value, session.state(state.name));
    results.push_back(std::move(value));
  }
  return results;
}

Result<std::vector<Tensor>> run(Session& session, RunMode mode) {
  TRY(prepare(session));
  TRY(session.run(kNumSteps, {.mode = mode}));
  return results_of(session);
}

Result<Session> open(const Plan& plan) {
  return Session::create(plan, ".", emulated(), builtin_devices());
}

Result<Session> open_queued(const Plan& plan) {
  DeviceRegistry registry = builtin_devices();
  BackEnd back_end = *registry.find("emulated");
  back_end.make_queue = [](QueueProgram program, LaunchMode) -> Result<std::unique_ptr<LaneQueue>> {
    return std::make_unique<ThreadedLaneQueue>(std::move(program), kMaxIntervalsPerWindow,
                                               ThreadedLaneQueue::Launches::kIssued);
  };
  registry.add("emulated", std::move(back_end));
  return Session::create(plan, ".", emulated(), registry);
}

void expect_same(const std::vector<Tensor>& expected, const Result<std::vector<Tensor>>& actual,
                 const char* how) {
  CHECK(actual.has_value(), std::string("a run ") + how + " fails: " + actual.error().message);
  CHECK(expected == *actual, std::string("a run ") + how + " gives other bits");
}

}  // namespace

bool is_small(const Plan& plan) {
  return plan.instructions.size() <= kMaxInstructions && plan.lanes.size() <= kMaxLanes &&
         plan.devices.size() <= kMaxDevices && is_memory_small(plan) && is_order_small(plan) &&
         is_work_small(plan);
}

void run_verified(const Plan& plan, Comparison comparison) {
  Result<Session> session = open(plan);
  if (!session) return;
  Result<ReferenceCheck> check = ReferenceCheck::begin(*session);
  const Result<std::vector<Tensor>> pipelined = run(*session, RunMode::kPipelined);
  if (!pipelined) return;
  if (comparison == Comparison::kReference) {
    if (check) (void)check->finish(*session);
    return;
  }
  const bool is_queued = comparison == Comparison::kQueue;
  Result<Session> other = is_queued ? open_queued(plan) : open(plan);
  CHECK(other.has_value(), other.error().message);
  expect_same(*pipelined, run(*other, is_queued ? RunMode::kPipelined : RunMode::kBarrier),
              is_queued ? "with a queue" : "with barriers");
}

}  // namespace graphrt::fuzz
