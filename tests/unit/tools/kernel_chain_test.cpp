#include "tools/graphprobe/kernel_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "compiler/compile.h"
#include "compiler/frontend/parse_graph.h"
#include "runtime/op/op_table.h"
#include "tests/gpu/kernel_cases.h"

namespace graphprobe {
namespace {

constexpr uint32_t kSeed = 20261129;

Kernel kernel_of(const graphrt::KernelCase& tested, bool replaces_first) {
  Kernel kernel{std::string(tested.op), tested.attributes, {}, {}, replaces_first};
  for (const graphrt::Tensor& input : tested.inputs) kernel.inputs.push_back(input.type);
  kernel.results =
      *graphrt::infer_types(*graphrt::find_op(tested.op), kernel.inputs, tested.attributes);
  return kernel;
}

/// What the compiler says of the chain on a machine whose CPU is called `node1/cpu`.
std::string compiled(const std::string& text, size_t num_kernels) {
  graphc::Machine machine = graphc::single_cpu_machine();
  machine.devices[machine.host()].name = "node1/cpu";
  graphc::DiagnosticSink sink;
  const graphc::SourceFile file{"chain.graph", text};
  const auto compilation =
      graphc::parse_graph(std::make_shared<const graphc::SourceFile>(file), sink)
          .and_then([&](const graphc::GraphRequest& request) {
            return graphc::compile(request, machine, {}, sink);
          });
  if (!compilation) return text + sink.render_all();
  std::set<std::string> nodes;  // each may be done in several blocks of rows
  for (const graphrt::Instruction& instruction : compilation->plan.instructions) {
    if (instruction.kind != graphrt::InstructionKind::kKernel) continue;
    nodes.insert(instruction.name.substr(0, instruction.name.find('[')));
  }
  return nodes.size() == num_kernels ? "" : text + std::to_string(nodes.size()) + " kernels";
}

// However often: nothing is merged, fused, folded or left out.
TEST(KernelChain, EveryOperatorCanBeRepeated) {
  for (const graphrt::OpInfo& op : graphrt::all_ops()) {
    if (op.is_composite()) continue;
    for (const graphrt::KernelCase& tested : graphrt::random_cases(op.name, kSeed, 3)) {
      SCOPED_TRACE(to_string(tested));
      const Kernel kernel = kernel_of(tested, false);
      EXPECT_EQ(compiled(chain_of(kernel, "node1/cpu", 3), 3), "");
      if (op.in_place == graphrt::InPlace::kNever || kernel.inputs[0] != kernel.results[0])
        continue;
      EXPECT_EQ(compiled(chain_of(kernel_of(tested, true), "node1/cpu", 3), 3), "");
    }
  }
}

// Ten labels of four columns.
TEST(KernelChain, IntegersAreSpreadOverWhatThereIs) {
  using graphrt::ElementType;
  const Kernel kernel{"softmax_cross_entropy",
                      {},
                      {{ElementType::kF32, {10, 4}}, {ElementType::kI32, {10}}},
                      {{ElementType::kF32, {}}}};
  EXPECT_THAT(chain_of(kernel, "gpu0", 1),
              testing::HasSubstr("init [0, 1, 2, 3, 0, 1, 2, 3, 0, 1] device gpu0"));
}

}  // namespace
}  // namespace graphprobe
