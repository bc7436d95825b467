#include "tools/graphprobe/measure_gpu.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "tools/graphprobe/host.h"
#include "tools/graphprobe/operands.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Result;
using std::chrono::milliseconds;

constexpr int64_t kGpuProductSize = 4096;
constexpr int64_t kSumElements = int64_t{1} << 26;  // 256 MiB an array

/// Median time of one run, with what it takes to launch it and to see its end.
Result<double> seconds_of(Action& action, std::chrono::nanoseconds budget) {
  return median_seconds([&] { return action.run(0); }, budget);
}

/// The rate of an action beyond what launching a kernel costs: the compiler adds that itself.
Result<double> rate_of(Action& action, double amount, double launch_s) {
  TRY(const double total_s, seconds_of(action, milliseconds(500)));
  return amount / std::max(total_s - launch_s, total_s / 2);
}

}  // namespace

Result<graphc::Device> measure_gpu(const Accelerator& accelerator) {
  TRY(const std::unique_ptr<graphrt::Device> device,
      accelerator.back_end->open(accelerator.name, accelerator.index));
  graphc::Device gpu;
  gpu.name = accelerator.name;
  gpu.kind = accelerator.kind;
  gpu.index = accelerator.index;
  gpu.memory_bytes = whole_gibibytes(device->memory_pool().available_bytes);

  TRY(const std::unique_ptr<Action> tiny, bind_sum(*device, 1));
  TRY(const std::unique_ptr<Action> sum, bind_sum(*device, kSumElements));
  TRY(const double launch_s, seconds_of(*tiny, milliseconds(100)));
  for (const std::string math : {"f32", "tf32", "bf16"}) {
    TRY(const std::unique_ptr<Action> product, bind_product(*device, kGpuProductSize, math));
    TRY(gpu.rates["matmul_" + math], rate_of(*product, product_flops(kGpuProductSize), launch_s));
  }
  TRY(const std::unique_ptr<Action> product,
      bind_product(*device, kGpuProductSize, "f32", graphrt::ElementType::kBF16));
  TRY(gpu.rates["matmul_16bit"], rate_of(*product, product_flops(kGpuProductSize), launch_s));
  TRY(gpu.rates["bytes"], rate_of(*sum, sum_bytes(kSumElements), launch_s));
  return gpu;
}

}  // namespace graphprobe
