#include "tools/graphprobe/measure_times.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "compiler/machine/cost_model.h"
#include "runtime/op/op_table.h"
#include "tools/graphprobe/kernel_chain.h"
#include "tools/graphprobe/plan_time.h"

namespace graphprobe {
namespace {

using graphrt::Result;

constexpr int32_t kShortTimedChain = 2;
constexpr int32_t kLongTimedChain = 44;
/// Kernels that take longer than this by the rates are clear of noise when there are few of them.
constexpr int64_t kLongKernelNs = 200'000;
constexpr int32_t kChainOfLongKernels = 8;
constexpr std::chrono::milliseconds kTimesBudget{100};

/// YAML takes keys of up to 1024 characters.
constexpr size_t kLongestKey = 1000;

/// To three digits: more do not repeat.
int64_t rounded_ns(double seconds) {
  const double time_ns = std::max(seconds * 1e9, 1.0);
  double unit = 1;
  while (time_ns >= 1000 * unit) unit *= 10;
  return static_cast<int64_t>(std::llround(time_ns / unit) * std::llround(unit));
}

Result<double> seconds_of(const Kernel& kernel, const graphc::Machine& machine,
                          graphrt::DeviceId device, const graphrt::DeviceRegistry& registry) {
  const auto text = [&](const std::string& name, int32_t length) {
    return chain_of(kernel, name, length);
  };
  const int64_t expected_ns = graphc::CostModel(machine)
                                  .kernel_cost(*graphrt::find_op(kernel.op), kernel.inputs,
                                               kernel.results, kernel.attributes, device)
                                  .work_ns;
  const int32_t longer = expected_ns >= kLongKernelNs ? kChainOfLongKernels : kLongTimedChain;
  return seconds_per_operator(machine, device, text, kShortTimedChain, longer, kTimesBudget,
                              registry);
}

/// The same by the algorithm that `machine` names, which is dropped if it saves nothing in a chain.
Result<double> seconds_by_algorithm(const Kernel& kernel, const std::string& signature,
                                    graphrt::DeviceId device, graphc::Machine& machine,
                                    const graphrt::DeviceRegistry& registry) {
  const std::string& kind = machine.devices[device].kind;
  Result<double> seconds = seconds_of(kernel, machine, device, registry);
  if (machine.algorithm_for(kind, signature).empty()) return seconds;
  graphc::Machine without = machine;
  without.algorithms[kind].erase(signature);
  Result<double> by_default_s = seconds_of(kernel, without, device, registry);
  if (seconds && by_default_s && *seconds <= kWorthwhile * *by_default_s) return seconds;
  machine.algorithms = std::move(without.algorithms);
  return by_default_s;
}

/// What was found, or why there is nothing; the time goes into `machine`.
std::string measure_time(const Kernel& kernel, const std::string& signature,
                         graphrt::DeviceId device, graphc::Machine& machine,
                         const graphrt::DeviceRegistry& registry) {
  const std::string& kind = machine.devices[device].kind;
  machine.times_ns[kind].erase(signature);
  if (signature.size() > kLongestKey) {
    return signature.substr(0, kLongestKey / 10) + "...: too long for a machine file";
  }
  const bool had_algorithm = !machine.algorithm_for(kind, signature).empty();
  const Result<double> seconds = seconds_by_algorithm(kernel, signature, device, machine, registry);
  // One that cannot be timed, as its chain needs too much memory, costs the others nothing.
  if (!seconds) return signature + ": left out: " + seconds.error().message;
  if (*seconds <= 0) return signature + ": left out: shorter than what differs between runs";
  machine.times_ns[kind][signature] = rounded_ns(*seconds);
  const bool is_dropped = had_algorithm && machine.algorithm_for(kind, signature).empty();
  return fmt::format("{}: {:.2f} us{}", signature, *seconds * 1e6,
                     is_dropped ? ", by the library's choice: the other saves nothing here" : "");
}

}  // namespace

Result<std::vector<std::string>> measure_times(const Kernels& kernels,
                                               const graphrt::DeviceRegistry& registry,
                                               graphc::Machine& machine) {
  std::vector<std::string> notes;
  for (const auto& [key, kernel] : kernels) {
    const auto& [kind, signature] = key;
    const auto device = device_for(kind, machine);
    if (kind == "cpu" || !device || registry.find(kind) == nullptr) continue;
    notes.push_back(measure_time(kernel, signature, *device, machine, registry));
  }
  std::erase_if(machine.times_ns, [](const auto& of_kind) { return of_kind.second.empty(); });
  std::erase_if(machine.algorithms, [](const auto& of_kind) { return of_kind.second.empty(); });
  return notes;
}

}  // namespace graphprobe
