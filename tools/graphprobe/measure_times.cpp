#include "tools/graphprobe/measure_times.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "compiler/machine/cost_model.h"
#include "runtime/op/op_table.h"
#include "tools/graphprobe/chain_time.h"

namespace graphprobe {
namespace {

using graphrt::Result;

constexpr int32_t kShortChain = 2;
constexpr int32_t kLongChain = 44;
/// Kernels that take longer than this by the rates are clear of noise when there are few of them.
constexpr int64_t kLongKernelNs = 200'000;
constexpr int32_t kChainOfLongKernels = 8;
constexpr std::chrono::milliseconds kBudget{100};

/// To three digits: more do not repeat.
int64_t rounded_ns(double seconds) {
  const double time_ns = std::max(seconds * 1e9, 1.0);
  double unit = 1;
  while (time_ns >= 1000 * unit) unit *= 10;
  return static_cast<int64_t>(std::llround(time_ns / unit) * std::llround(unit));
}

/// Random numbers, since what a chip computes decides how much power it draws; integers are steps,
/// labels and rows, of which there is a number 0.
std::string state_line(const std::string& name, const graphrt::TensorType& type,
                       const std::string& device) {
  const bool is_float = type.element == graphrt::ElementType::kF32;
  return fmt::format("state %{} : {} init {} device {}\n", name, to_string(type),
                     is_float ? "uniform(low=-1, high=1, seed=1)" : "zeros", device);
}

/// `length` times the same kernel, each with a result of its own; what replaces its first operand
/// has one of its own for that.
std::string chain_of(const Kernel& kernel, const std::string& device, int32_t length) {
  std::string states;
  std::string nodes;
  std::string attributes;
  for (const graphrt::Attribute& attribute : kernel.attributes) {
    attributes += fmt::format("{}{} = {}", attributes.empty() ? "" : ", ", attribute.name,
                              graphrt::to_string(attribute.value));
  }
  if (!attributes.empty()) attributes = " {" + attributes + "}";
  for (size_t i = kernel.replaces_first ? 1 : 0; i < kernel.inputs.size(); ++i) {
    states += state_line(fmt::format("x{}", i), kernel.inputs[i], device);
  }
  for (int32_t n = 0; n < length; ++n) {
    if (kernel.replaces_first)
      states += state_line(fmt::format("s{}", n), kernel.inputs[0], device);
    std::string operands;
    for (size_t i = 0; i < kernel.inputs.size(); ++i) {
      const bool is_own = kernel.replaces_first && i == 0;
      operands += fmt::format("{}%{}{}", i == 0 ? "" : ", ", is_own ? "s" : "x",
                              is_own ? static_cast<size_t>(n) : i);
    }
    nodes += fmt::format("%n{} = {}({}){} device {} keep{}\n", n, kernel.op, operands, attributes,
                         device, kernel.replaces_first ? fmt::format(" updates %s{}", n) : "");
  }
  return "graph kernels\n" + states + nodes +
         (kernel.replaces_first ? "" : fmt::format("output %n{} on {}\n", length - 1, device));
}

Result<double> seconds_of(const Kernel& kernel, const graphc::Machine& machine,
                          graphrt::DeviceId device, const graphrt::DeviceRegistry& registry) {
  const auto text = [&](const std::string& name, int32_t length) {
    return chain_of(kernel, name, length);
  };
  const int64_t expected_ns = graphc::CostModel(machine)
                                  .kernel_cost(*graphrt::find_op(kernel.op), kernel.inputs,
                                               kernel.result, kernel.attributes, device)
                                  .work_ns;
  const int32_t longer = expected_ns >= kLongKernelNs ? kChainOfLongKernels : kLongChain;
  return seconds_per_operator(machine, device, text, kShortChain, longer, kBudget, registry);
}

std::optional<graphrt::DeviceId> first_of(const graphc::Machine& machine, const std::string& kind) {
  for (const graphrt::DeviceId id : machine.devices.ids()) {
    if (machine.devices[id].kind == kind) return id;
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::string>> measure_times(const Kernels& kernels,
                                               const graphrt::DeviceRegistry& registry,
                                               graphc::Machine& machine) {
  std::vector<std::string> notes;
  for (const auto& [key, kernel] : kernels) {
    const auto& [kind, signature] = key;
    const auto device = first_of(machine, kind);
    if (kind == "cpu" || !device || registry.find(kind) == nullptr) continue;
    TRY(const double seconds, seconds_of(kernel, machine, *device, registry));
    machine.times_ns[kind][signature] = rounded_ns(seconds);
    notes.push_back(fmt::format("{}: {:.2f} us", signature, seconds * 1e6));
  }
  return notes;
}

}  // namespace graphprobe
