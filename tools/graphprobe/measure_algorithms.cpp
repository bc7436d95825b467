#include "tools/graphprobe/measure_algorithms.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>

#include "tools/graphprobe/operands.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::KernelBinding;
using graphrt::Result;
using graphrt::TensorType;
using std::chrono::milliseconds;

constexpr milliseconds kBudgetToFind{40};
constexpr milliseconds kBudgetToCompare{60};
constexpr int kNumComparisons = 5;
/// One run alone varies by about that, whatever it launches.
constexpr double kMinSavedS = 2e-6;

/// Those that the device has, before there is memory for operands.
Result<std::vector<std::string>> algorithms_of(Device& device, const Kernel& kernel) {
  KernelBinding binding;
  binding.op = kernel.op;
  binding.attributes = &kernel.attributes;
  for (const TensorType& input : kernel.inputs) binding.inputs.emplace_back().type = input;
  for (const TensorType& result : kernel.results) binding.results.emplace_back().type = result;
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
      TRY(graphrt::OperandSlots slots, make_random_array(device, input));
      candidate.binding_.inputs.push_back(std::move(slots));
    }
    for (const TensorType& result : kernel.results) {
      TRY(graphrt::OperandSlots slots, make_array(device, result));
      candidate.binding_.results.push_back(std::move(slots));
    }
    TRY(add_scratch(device, candidate.binding_));
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

/// The first device of a kind; null if the machine has none.
/// Errors: the one that the machine file names is not here (kMachine).
Result<std::unique_ptr<Device>> device_of(const std::string& kind,
                                          const graphrt::DeviceRegistry& registry,
                                          const graphc::Machine& machine) {
  const graphrt::BackEnd* back_end = registry.find(kind);
  const auto id = device_for(kind, machine);
  if (!id || back_end == nullptr) return nullptr;
  const graphc::Device& device = machine.devices[*id];
  if (back_end->count) {
    TRY(const int32_t count, back_end->count());
    if (device.index >= count) {
      return graphrt::machine_error(fmt::format(
          "cannot time algorithms: the machine file's {} is {} device {}, and this machine has {}",
          device.name, device.kind, device.index, count));
    }
  }
  return back_end->open(device.name, device.index);
}

struct Found {
  std::string algorithm;  ///< empty: none is worth it
  size_t num_timed = 0;
  double default_s = 0;
  double best_s = 0;
};

Result<Found> find_fastest(Candidate& candidate, const std::vector<std::string>& algorithms) {
  Found found;
  TRY(found.default_s, candidate.seconds("", kBudgetToFind));
  found.best_s = found.default_s;
  for (const std::string& algorithm : algorithms) {
    const Result<double> seconds = candidate.seconds(algorithm, kBudgetToFind);
    if (!seconds) continue;  // the library offers some that it then refuses
    ++found.num_timed;
    if (*seconds >= found.best_s) continue;
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
  const bool is_worth_it =
      found.best_s <= kWorthwhile * found.default_s && found.best_s <= found.default_s - kMinSavedS;
  if (!is_worth_it) found.algorithm.clear();
  return found;
}

std::string note_of(const std::string& signature, size_t num_algorithms, const Found& found) {
  const std::string choice =
      found.algorithm.empty() ? "kept"
                              : fmt::format("{:.1f} us by {}", found.best_s * 1e6, found.algorithm);
  return fmt::format("{}: {:.1f} us by the library's choice; {} of {} algorithms timed: {}",
                     signature, found.default_s * 1e6, found.num_timed, num_algorithms, choice);
}

}  // namespace

Result<std::vector<std::string>> measure_algorithms(const Kernels& kernels,
                                                    const graphrt::DeviceRegistry& registry,
                                                    graphc::Machine& machine) {
  std::vector<std::string> notes;
  std::map<std::string, std::unique_ptr<Device>> devices;  // by kind; null: the machine has none
  for (const auto& [key, kernel] : kernels) {
    const auto& [kind, signature] = key;
    if (!devices.contains(kind)) {
      TRY(devices[kind], device_of(kind, registry, machine));
      if (devices[kind] == nullptr) notes.push_back("the machine has no device of kind " + kind);
    }
    if (devices[kind] == nullptr) continue;
    TRY(const std::vector<std::string> algorithms, algorithms_of(*devices[kind], kernel));
    if (algorithms.empty()) continue;
    // A device of its own: its memory is free again before the next.
    TRY(const std::unique_ptr<Device> device, device_of(kind, registry, machine));
    TRY(Candidate candidate, Candidate::create(*device, kernel));
    TRY(const Found found, find_fastest(candidate, algorithms));
    machine.algorithms[kind].erase(signature);
    if (!found.algorithm.empty()) machine.algorithms[kind][signature] = found.algorithm;
    notes.push_back(note_of(signature, algorithms.size(), found));
  }
  std::erase_if(machine.algorithms, [](const auto& of_kind) { return of_kind.second.empty(); });
  return notes;
}

}  // namespace graphprobe
