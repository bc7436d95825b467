#include "tools/graphprobe/measure_algorithms.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "runtime/op/kernel_signature.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/verify_plan.h"
#include "tools/graphprobe/operands.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::Instruction;
using graphrt::InstructionKind;
using graphrt::KernelBinding;
using graphrt::Plan;
using graphrt::Result;
using graphrt::TensorType;
using std::chrono::milliseconds;

constexpr milliseconds kBudgetToFind{40};
constexpr milliseconds kBudgetToCompare{60};
constexpr int kNumComparisons = 5;
/// Of the time by the back end's own choice: what is saved must be more than noise.
constexpr double kWorthwhile = 0.98;

/// One kernel that a plan launches, apart from where its operands lie.
struct Kernel {
  std::string op;
  graphrt::Attributes attributes;
  std::vector<TensorType> inputs;
  TensorType result;
};

/// By kind of device and signature, so in the same order for the same plans.
using Kernels = std::map<std::pair<std::string, std::string>, Kernel>;

Result<void> add_kernels(const std::filesystem::path& path, Kernels& kernels) {
  TRY(const Plan plan, graphrt::read_plan(path));
  if (const auto violation = graphrt::verify_plan(plan)) {
    return graphrt::input_error(path.string() + ": " + violation->message);
  }
  for (const Instruction& instruction : plan.instructions) {
    if (instruction.kind != InstructionKind::kKernel) continue;
    Kernel kernel{instruction.op, instruction.attributes, {}, result_type(plan, instruction)};
    for (const graphrt::Operand& read : instruction.reads) {
      kernel.inputs.push_back(operand_type(plan, read));
    }
    const auto arena = plan.buffers[*instruction.writes].arena;
    const std::string& kind = plan.devices[plan.arenas[arena].device].kind;
    std::string signature = graphrt::kernel_signature(kernel.op, kernel.inputs, kernel.attributes);
    kernels.try_emplace({kind, std::move(signature)}, std::move(kernel));
  }
  return {};
}

/// Those that the device has, before there is memory for operands.
Result<std::vector<std::string>> algorithms_of(Device& device, const Kernel& kernel) {
  KernelBinding binding;
  binding.op = kernel.op;
  binding.attributes = &kernel.attributes;
  for (const TensorType& input : kernel.inputs) binding.inputs.emplace_back().type = input;
  binding.output.type = kernel.result;
  return device.algorithms(binding);
}

/// A kernel on a device, with random operands.
class Candidate {
 public:
  static Result<Candidate> create(Device& device, const Kernel& kernel) {
    Candidate candidate(device);
    candidate.binding_.op = kernel.op;
    candidate.binding_.attributes = &kernel.attributes;
    for (const TensorType& input : kernel.inputs) {
      TRY(graphrt::OperandSlots slots, make_random_array(device, input.shape));
      slots.type = input;
      candidate.binding_.inputs.push_back(std::move(slots));
    }
    TRY(candidate.binding_.output, make_array(device, kernel.result.shape));
    candidate.binding_.output.type = kernel.result;
    return candidate;
  }

  /// Empty: the back end's own choice.
  Result<double> seconds(std::string_view algorithm, milliseconds budget) {
    binding_.algorithm = algorithm;
    TRY(const std::unique_ptr<Action> action, device_->bind_kernel(binding_));
    return median_seconds([&] { return action->run(0); }, budget);
  }

 private:
  explicit Candidate(Device& device) : device_(&device) {}

  Device* device_;
  KernelBinding binding_;
};

/// Errors: the device that a machine file names is not here (kMachine).
Result<std::unique_ptr<Device>> open(const graphrt::BackEnd& back_end,
                                     const graphc::Device& device) {
  if (back_end.count) {
    TRY(const int32_t count, back_end.count());
    if (device.index >= count) {
      return graphrt::machine_error(fmt::format(
          "cannot time algorithms: the machine file's {} is {} device {}, and this machine has {}",
          device.name, device.kind, device.index, count));
    }
  }
  return back_end.open(device.name, device.index);
}

struct Found {
  std::string algorithm;  ///< empty: none is worth it
  double default_s = 0;
  double best_s = 0;
};

Result<Found> find_fastest(Candidate& candidate, const std::vector<std::string>& algorithms) {
  Found found;
  TRY(found.default_s, candidate.seconds("", kBudgetToFind));
  found.best_s = found.default_s;
  for (const std::string& algorithm : algorithms) {
    const Result<double> seconds = candidate.seconds(algorithm, kBudgetToFind);
    if (!seconds || *seconds >= found.best_s) continue;  // some fail where they are tried
    found.best_s = *seconds;
    found.algorithm = algorithm;
  }
  if (found.algorithm.empty()) return found;
  // In turn, so that a chip that gets warmer slows down both.
  std::vector<double> with_default;
  std::vector<double> with_best;
  for (int i = 0; i < kNumComparisons; ++i) {
    TRY(with_default.emplace_back(), candidate.seconds("", kBudgetToCompare));
    TRY(with_best.emplace_back(), candidate.seconds(found.algorithm, kBudgetToCompare));
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + kNumComparisons / 2, values.end());
    return values[kNumComparisons / 2];
  };
  found.default_s = median(with_default);
  found.best_s = median(with_best);
  if (found.best_s > kWorthwhile * found.default_s) found.algorithm.clear();
  return found;
}

}  // namespace

Result<std::vector<std::string>> measure_algorithms(const std::vector<std::filesystem::path>& plans,
                                                    const graphrt::DeviceRegistry& registry,
                                                    graphc::Machine& machine) {
  Kernels kernels;
  for (const std::filesystem::path& path : plans) TRY(add_kernels(path, kernels));
  std::vector<std::string> notes;
  for (const auto& [key, kernel] : kernels) {
    const auto& [kind, signature] = key;
    const auto of_kind = [kind = kind](const graphc::Device& device) {
      return device.kind == kind;
    };
    const auto device_of_machine =
        std::find_if(machine.devices.begin(), machine.devices.end(), of_kind);
    const graphrt::BackEnd* back_end = registry.find(kind);
    if (device_of_machine == machine.devices.end() || back_end == nullptr) continue;
    // A device for each: its memory is free again before the next.
    TRY(const std::unique_ptr<Device> device, open(*back_end, *device_of_machine));
    TRY(const std::vector<std::string> algorithms, algorithms_of(*device, kernel));
    if (algorithms.empty()) continue;
    TRY(Candidate candidate, Candidate::create(*device, kernel));
    TRY(const Found found, find_fastest(candidate, algorithms));
    machine.algorithms[kind].erase(signature);
    if (!found.algorithm.empty()) machine.algorithms[kind][signature] = found.algorithm;
    notes.push_back(
        fmt::format("{}: {:.1f} us by the library's choice of {}, {}", signature,
                    found.default_s * 1e6, algorithms.size(),
                    found.algorithm.empty()
                        ? "kept"
                        : fmt::format("{:.1f} us by {}", found.best_s * 1e6, found.algorithm)));
  }
  std::erase_if(machine.algorithms, [](const auto& of_kind) { return of_kind.second.empty(); });
  return notes;
}

}  // namespace graphprobe
