#include "tools/graphprobe/recorded_kernel.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "tools/graphprobe/operands.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::KernelBinding;
using graphrt::OperandSlots;
using graphrt::Result;
using graphrt::TensorType;

/// Twice the largest second cache of a GPU that is sold.
constexpr int64_t kMoreThanCaches = int64_t{128} << 20;
/// What is smaller than a part of this size of a cache is there anyway.
constexpr int64_t kMaxSets = 16;
constexpr int64_t kMinSets = 2;

/// Integer operands stay below this: rows of a table, or columns of what labels point into.
int64_t bound_of_integers(const Kernel& kernel) {
  const int64_t rows = kernel.attributes.integer("rows", 0);
  if (rows > 0) return rows;
  const auto first =
      std::find_if(kernel.inputs.begin(), kernel.inputs.end(), [](const TensorType& input) {
        return graphrt::is_float(input.element) && !input.shape.empty();
      });
  if (first == kernel.inputs.end()) return 1;
  return std::min(first->shape.front(), first->shape.back());
}

int64_t bytes_of(const Kernel& kernel) {
  int64_t num_bytes = 0;
  for (const TensorType& input : kernel.inputs) num_bytes += input.size_bytes();
  for (const TensorType& result : kernel.results) num_bytes += result.size_bytes();
  return num_bytes;
}

}  // namespace

Result<double> RecordedLaunch::run() {
  const std::atomic<bool> is_stopping = false;
  const double start_s = clock_();
  TRY(queue_->run(is_stopping));
  return clock_() - start_s;
}

Result<RecordedKernel> RecordedKernel::create(const Kernel& kernel,
                                              const graphrt::BackEnd& back_end,
                                              std::unique_ptr<Device> device, SecondsClock clock) {
  RecordedKernel recorded(back_end, std::move(device), std::move(clock));
  recorded.op_ = kernel.op;
  recorded.attributes_ = kernel.attributes;
  const int64_t num_sets =
      std::clamp(kMoreThanCaches / std::max<int64_t>(bytes_of(kernel), 1) + 1, kMinSets, kMaxSets);
  for (int64_t i = 0; i < num_sets; ++i) TRY(recorded.add_operands(kernel));
  return recorded;
}

Result<void> RecordedKernel::add_operands(const Kernel& kernel) {
  KernelBinding set;
  set.op = kernel.op;
  set.attributes = &kernel.attributes;
  const auto has_one_already = [&](const TensorType& type) {
    return !sets_.empty() && type.size_bytes() >= kMoreThanCaches;
  };
  const int64_t bound = bound_of_integers(kernel);
  for (size_t i = 0; i < kernel.inputs.size(); ++i) {
    if (has_one_already(kernel.inputs[i])) {
      set.inputs.push_back(sets_.front().inputs[i]);
      continue;
    }
    TRY(set.inputs.emplace_back(), make_operand(*device_, kernel.inputs[i], bound));
  }
  for (size_t i = 0; i < kernel.results.size(); ++i) {
    if (i == 0 && kernel.replaces_first) {
      set.results.push_back(set.inputs.front());
    } else if (has_one_already(kernel.results[i])) {
      set.results.push_back(sets_.front().results[i]);
    } else {
      TRY(set.results.emplace_back(), make_array(*device_, kernel.results[i]));
    }
  }
  TRY(add_scratch(*device_, set));
  sets_.push_back(std::move(set));
  return {};
}

Result<std::vector<std::string>> RecordedKernel::algorithms() {
  KernelBinding binding = sets_.front();
  binding.op = op_;
  binding.attributes = &attributes_;
  return device_->algorithms(binding);
}

Result<RecordedLaunch> RecordedKernel::record(std::string_view algorithm, int32_t length,
                                              int32_t num_lanes) {
  RecordedLaunch launch;
  launch.clock_ = clock_;
  for (KernelBinding binding : sets_) {
    binding.op = op_;
    binding.attributes = &attributes_;
    binding.algorithm = algorithm;
    TRY(launch.actions_.emplace_back(), device_->bind_kernel(binding));
  }
  // Lanes share no set: two kernels at work never have the same scratch memory.
  const size_t num_sets = sets_.size() / static_cast<size_t>(num_lanes);
  graphrt::QueueProgram program;
  program.name = op_;
  for (int32_t lane = 0; lane < num_lanes; ++lane) {
    graphrt::QueuedLane queued;
    queued.name = "lane" + std::to_string(lane);
    queued.device = device_->name();
    for (int32_t i = 0; i < length; ++i) {
      const size_t set = static_cast<size_t>(lane) * num_sets + static_cast<size_t>(i) % num_sets;
      graphrt::QueuedInstruction& instruction = queued.instructions.emplace_back();
      instruction.name = op_;
      instruction.action = launch.actions_[set].get();
    }
    program.lanes.push_back(std::move(queued));
  }
  for (int32_t i = 0; i < length; ++i) {
    for (const graphrt::QueuedLaneId lane : program.lanes.ids()) program.order.push_back({lane, i});
  }
  TRY(launch.queue_, back_end_->make_queue(std::move(program), graphrt::LaunchMode::kRecorded));
  TRY(launch.queue_->prepare({0, 1}, false));
  return launch;
}

}  // namespace graphprobe
