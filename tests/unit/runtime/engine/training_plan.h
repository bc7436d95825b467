#pragma once

#include <string>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/op_table.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// Whether the batch of the next step is fetched while this one is computed.
enum class Overlap { kSerial, kPipelined };

/// A training step by hand over a CPU and one accelerator, with every kind of lane:
///
///   feed        x                          x@cpu f32[2, 4]
///   cpu.0       xs = scale(x, 0.5)         x@cpu -> xs@cpu
///   cpu->gpu0   xs -> gpu0 | w_new -> gpu0 xs@cpu -> xs@gpu0 | w@cpu -> w@gpu0
///   gpu0.0      y | z | l | g              y = xs w; z = y + b; l = mean z; g = xs' z
///   gpu0->cpu   g -> cpu | l -> cpu
///   cpu.1       w_new = w - 0.01 g         w@cpu -> w@cpu, in place
///   output      l
///
/// kSerial: all of stage 0, one version of each buffer. kPipelined, the lists unchanged: the
/// first three rows (without w_new) are stage 0, the rest stage 1, and x, xs have two versions.
///
///   interval      t                          t + 1
///   cpu->gpu0     xs of t | w of t-1         xs of t+1 | w of t
///   gpu0.0        y z l g of t-1             y z l g of t
///
/// Outputs: l, delivered; z, which stays on gpu0. x alone is pageable: no copy touches it.
class TrainingPlan {
 public:
  static Plan make(Overlap overlap) { return TrainingPlan(overlap).plan_; }

 private:
  explicit TrainingPlan(Overlap overlap)
      : late_stage_(overlap == Overlap::kPipelined ? 1 : 0), versions_(late_stage_ + 1) {
    add_machine();
    add_buffers();
    add_instructions();
    add_interface();
    add_source();
  }

  static TensorType f32(Shape shape) { return {ElementType::kF32, std::move(shape)}; }

  void add_machine() {
    plan_.name = "training";
    plan_.required_features = {"state"};
    if (late_stage_ > 0) plan_.required_features = {"stages", "state", "versions"};
    plan_.devices.push_back({"cpu", "cpu", 1 << 20});
    plan_.devices.push_back({"gpu0", "cuda", 1 << 20});
    const DeviceId cpu(0);
    const DeviceId gpu(1);
    pinned_ = plan_.arenas.push_back({cpu, MemoryKind::kPinned, 0});
    gpu_ = plan_.arenas.push_back({gpu, MemoryKind::kDevice, 0});
    pageable_ = plan_.arenas.push_back({cpu, MemoryKind::kPageable, 0});
    plan_.lanes.push_back({"feed", LaneKind::kFeed, cpu, cpu, {}, {}});
    plan_.lanes.push_back({"cpu.0", LaneKind::kCompute, cpu, cpu, {}, {}});
    plan_.lanes.push_back({"cpu->gpu0", LaneKind::kLink, cpu, gpu, {}, {}});
    plan_.lanes.push_back({"gpu0.0", LaneKind::kCompute, gpu, gpu, {}, {}});
    plan_.lanes.push_back({"gpu0->cpu", LaneKind::kLink, gpu, cpu, {}, {}});
    plan_.lanes.push_back({"cpu.1", LaneKind::kCompute, cpu, cpu, {}, {}});
    plan_.lanes.push_back({"output", LaneKind::kOutput, cpu, cpu, {}, {}});
  }

  BufferId add_buffer(const std::string& name, const TensorType& type, ArenaId in,
                      int32_t versions) {
    PlanArena& arena = plan_.arenas[in];
    const int64_t stride = (type.size_bytes() + kBufferAlignmentBytes - 1) / kBufferAlignmentBytes *
                           kBufferAlignmentBytes;
    const int64_t offset = arena.size_bytes;
    arena.size_bytes += stride * versions;
    return plan_.buffers.push_back({name, type, in, offset, stride, versions});
  }

  void add_buffers() {
    x_cpu_ = add_buffer("x@cpu", f32({2, 4}), pageable_, versions_);
    xs_cpu_ = add_buffer("xs@cpu", f32({2, 4}), pinned_, versions_);
    xs_gpu_ = add_buffer("xs@gpu0", f32({2, 4}), gpu_, versions_);
    w_cpu_ = add_buffer("w@cpu", f32({4, 3}), pinned_, 1);
    w_gpu_ = add_buffer("w@gpu0", f32({4, 3}), gpu_, 1);
    b_gpu_ = add_buffer("b@gpu0", f32({3}), gpu_, 1);
    y_ = add_buffer("y@gpu0", f32({2, 3}), gpu_, 1);
    z_ = add_buffer("z@gpu0", f32({2, 3}), gpu_, 1);
    l_gpu_ = add_buffer("l@gpu0", f32({}), gpu_, 1);
    l_cpu_ = add_buffer("l@cpu", f32({}), pinned_, 1);
    g_gpu_ = add_buffer("g@gpu0", f32({4, 3}), gpu_, 1);
    g_cpu_ = add_buffer("g@cpu", f32({4, 3}), pinned_, 1);
    y_scratch_ = add_scratch("y (scratch)", {xs_gpu_, w_gpu_}, y_, {});
    g_scratch_ = add_scratch("g (scratch)", {xs_gpu_, z_}, g_gpu_, one("transpose_a", true));
    l_scratch_ = add_scratch("l (scratch)", {z_}, l_gpu_, {}, "mean");
  }

  /// As much as the operator needs on gpu0.
  std::optional<BufferId> add_scratch(const std::string& name,
                                      const std::vector<BufferId>& operands, BufferId result,
                                      const Attributes& attributes,
                                      std::string_view op = "matmul") {
    std::vector<TensorType> inputs;
    for (const BufferId operand : operands) inputs.push_back(plan_.buffers[operand].type);
    constexpr bool kIsOnHost = false;
    const int64_t num_bytes = scratch_bytes(*find_op(op), kIsOnHost, inputs,
                                            {&plan_.buffers[result].type, 1}, attributes);
    if (num_bytes == 0) return std::nullopt;
    return add_buffer(name, {ElementType::kU8, {num_bytes}}, gpu_, 1);
  }

  struct Spec {
    InstructionKind kind;
    std::string name;
    std::vector<Operand> reads;
    std::optional<BufferId> writes;
    int32_t stage;
    std::vector<Wait> waits;
  };

  InstructionId add(LaneId lane, Spec spec) {
    Instruction instruction;
    instruction.kind = spec.kind;
    instruction.name = std::move(spec.name);
    instruction.reads = std::move(spec.reads);
    if (spec.writes) instruction.writes = {*spec.writes};
    instruction.stage = spec.stage;
    instruction.waits = std::move(spec.waits);
    instruction.cost = {100, 900, {}};
    const InstructionId id = plan_.instructions.push_back(std::move(instruction));
    plan_.lanes[lane].instructions.push_back(id);
    return id;
  }

  InstructionId add_kernel(LaneId lane, const std::string& op, Spec spec, Attributes attributes) {
    const InstructionId id = add(lane, std::move(spec));
    plan_.instructions[id].op = op;
    plan_.instructions[id].attributes = std::move(attributes);
    return id;
  }

  static Attributes one(const std::string& name, AttributeValue value) {
    Attributes attributes;
    attributes.set(name, std::move(value));
    return attributes;
  }

  // How a wait reads: wait(lane, first `count` instructions, intervals before).
  void add_instructions() {
    using enum InstructionKind;
    const LaneId feed(0), prepare(1), to_gpu(2), gpu(3), to_cpu(4), update(5), output(6);
    const int32_t late = late_stage_;
    const int32_t reuse = versions_;  // a slot is written again so many intervals later
    // The numbers of instructions that read what later ones write.
    const InstructionId w_copy(3);
    const InstructionId w_new(9);

    const auto x = add(feed, {kFeed, "x", {}, x_cpu_, 0, {{prepare, 1, reuse}}});
    plan_.instructions[x].input = InputId(0);
    const auto xs = add_kernel(
        prepare, "scale",
        {kKernel, "xs", {{x_cpu_, {x}, 0}}, xs_cpu_, 0, {{feed, 1, 0}, {to_gpu, 1, reuse}}},
        one("factor", 0.5));
    const auto xs_copy = add(
        to_gpu,
        {kCopy, "xs -> gpu0", {{xs_cpu_, {xs}, 0}}, xs_gpu_, 0, {{prepare, 1, 0}, {gpu, 4, 1}}});
    add(to_gpu, {kCopy, "w_new -> gpu0", {{w_cpu_, {w_new}, 0}}, w_gpu_, late, {{update, 1, 0}}});
    // Serial: xs of this interval; pipelined: of the interval before, and w_new with it.
    const Wait inputs_there = late == 0 ? Wait{to_gpu, 1, 0} : Wait{to_gpu, 2, 1};
    const auto y = add_kernel(
        gpu, "matmul",
        {kKernel, "y", {{xs_gpu_, {xs_copy}, 0}, {w_gpu_, {w_copy}, 1}}, y_, late, {inputs_there}},
        {});
    plan_.instructions[y].scratch = y_scratch_;
    const auto z =
        add_kernel(gpu, "add", {kKernel, "z", {{y_, {y}, 0}, {b_gpu_, {}, 0}}, z_, late, {}}, {});
    const auto l =
        add_kernel(gpu, "mean", {kKernel, "l", {{z_, {z}, 0}}, l_gpu_, late, {{to_cpu, 2, 1}}}, {});
    const auto g = add_kernel(
        gpu, "matmul", {kKernel, "g", {{xs_gpu_, {xs_copy}, 0}, {z_, {z}, 0}}, g_gpu_, late, {}},
        one("transpose_a", true));
    plan_.instructions[l].scratch = l_scratch_;
    plan_.instructions[g].scratch = g_scratch_;
    const auto g_copy =
        add(to_cpu,
            {kCopy, "g -> cpu", {{g_gpu_, {g}, 0}}, g_cpu_, late, {{gpu, 4, 0}, {update, 1, 1}}});
    add_kernel(update, "sgd_update",
               {kKernel,
                "w_new",
                {{w_cpu_, {w_new}, 1}, {g_cpu_, {g_copy}, 0}},
                w_cpu_,
                late,
                {{to_cpu, 1, 0}, {to_gpu, 2, 1}}},
               one("learning_rate", 0.01));
    const auto l_copy =
        add(to_cpu, {kCopy, "l -> cpu", {{l_gpu_, {l}, 0}}, l_cpu_, late, {{output, 1, 1}}});
    const auto delivered =
        add(output, {kOutput, "l", {{l_cpu_, {l_copy}, 0}}, std::nullopt, late, {{to_cpu, 2, 0}}});
    plan_.outputs.push_back({"l", {l_cpu_, {l_copy}, 0}, delivered});
    plan_.outputs.push_back({"z", {z_, {z}, 0}, std::nullopt});
  }

  void add_interface() {
    plan_.inputs.push_back({"x", f32({2, 4}), std::nullopt});
    w_initial_.kind = InitializerKind::kHeNormal;
    w_initial_.seed = 7;
    w_initial_.stream = "w";
    plan_.states.push_back({"w", f32({4, 3}), w_initial_, {w_cpu_, w_gpu_}});
    plan_.constants.push_back({"b", bias().data, {b_gpu_}});
  }

  static Tensor bias() { return tensor_of<float>({3}, {0.5F, -1.0F, 2.0F}); }

  void add_source() {
    SourceGraph& source = plan_.source;
    source.name = "training";
    const auto value = [&](SourceValueKind kind, const std::string& name, TensorType type) {
      return source.values.push_back({kind, name, std::move(type), {}});
    };
    const auto x = value(SourceValueKind::kInput, "x", f32({2, 4}));
    const auto w = value(SourceValueKind::kState, "w", f32({4, 3}));
    source.values[w].initializer = w_initial_;
    const auto b = value(SourceValueKind::kConstant, "b", f32({3}));
    source.values[b].initializer.kind = InitializerKind::kData;
    source.values[b].initializer.data = bias().data;
    const auto xs = value(SourceValueKind::kNode, "xs", f32({2, 4}));
    const auto y = value(SourceValueKind::kNode, "y", f32({2, 3}));
    const auto z = value(SourceValueKind::kNode, "z", f32({2, 3}));
    const auto l = value(SourceValueKind::kNode, "l", f32({}));
    const auto g = value(SourceValueKind::kNode, "g", f32({4, 3}));
    const auto w_new = value(SourceValueKind::kNode, "w_new", f32({4, 3}));
    source.nodes.push_back({"scale", one("factor", 0.5), {x}, {xs}, {}});
    source.nodes.push_back({"matmul", {}, {xs, w}, {y}, {}});
    source.nodes.push_back({"add", {}, {y, b}, {z}, {}});
    source.nodes.push_back({"mean", {}, {z}, {l}, {}});
    source.nodes.push_back({"matmul", one("transpose_a", true), {xs, z}, {g}, {}});
    source.nodes.push_back({"sgd_update", one("learning_rate", 0.01), {w, g}, {w_new}, w});
    source.outputs = {l, z};
  }

  int32_t late_stage_;
  int32_t versions_;
  Plan plan_;
  Initializer w_initial_;
  ArenaId pinned_, gpu_, pageable_;
  BufferId x_cpu_, xs_cpu_, xs_gpu_, w_cpu_, w_gpu_, b_gpu_, y_, z_, l_gpu_, l_cpu_, g_gpu_, g_cpu_;
  std::optional<BufferId> y_scratch_, g_scratch_, l_scratch_;
};

/// 10 rows of x: element (r, c) is r + c / 10.
inline Tensor training_rows() {
  Tensor rows = zeros({ElementType::kF32, {10, 4}});
  for (size_t i = 0; i < 40; ++i) {
    const size_t row = i / 4;
    rows.as<float>()[i] = static_cast<float>(row) + static_cast<float>(i % 4) / 10;
  }
  return rows;
}

}  // namespace graphrt
