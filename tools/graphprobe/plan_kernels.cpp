#include "tools/graphprobe/plan_kernels.h"

#include "runtime/op/kernel_signature.h"
#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"

namespace graphprobe {
namespace {

using graphrt::Instruction;
using graphrt::InstructionKind;
using graphrt::Plan;
using graphrt::Result;

Result<void> add_kernels(const std::filesystem::path& path, Kernels& kernels) {
  TRY(const Plan plan, graphrt::read_plan(path));
  if (const auto violation = graphrt::verify_plan(plan)) {
    return graphrt::input_error(path.string() + ": " + violation->message);
  }
  for (const Instruction& instruction : plan.instructions) {
    if (instruction.kind != InstructionKind::kKernel) continue;
    Kernel kernel{instruction.op, instruction.attributes, {}, result_types(plan, instruction)};
    kernel.replaces_first =
        !instruction.reads.empty() && instruction.reads[0].buffer == instruction.writes.front();
    for (const graphrt::Operand& read : instruction.reads) {
      kernel.inputs.push_back(operand_type(plan, read));
    }
    const auto arena = plan.buffers[instruction.writes.front()].arena;
    const std::string& kind = plan.devices[plan.arenas[arena].device].kind;
    std::string signature = graphrt::kernel_signature(kernel.op, kernel.inputs, kernel.attributes);
    kernels.try_emplace({kind, std::move(signature)}, std::move(kernel));
  }
  return {};
}

}  // namespace

std::optional<graphrt::DeviceId> device_for(const std::string& kind,
                                            const graphc::Machine& machine) {
  for (const graphrt::DeviceId id : machine.devices.ids()) {
    if (machine.devices[id].kind == kind) return id;
  }
  return std::nullopt;
}

Result<Kernels> kernels_of(const std::vector<std::filesystem::path>& plans) {
  Kernels kernels;
  for (const std::filesystem::path& path : plans) TRY(add_kernels(path, kernels));
  return kernels;
}

}  // namespace graphprobe
