#include "tools/graphprobe/measure_cpu.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/device/cpu_device.h"
#include "runtime/kernels/cpu/product_buffers.h"
#include "tools/graphprobe/host.h"
#include "tools/graphprobe/operands.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Result;

/// Large enough that the kernel's best speed is reached, a few milliseconds on one core.
constexpr int64_t kCpuProductSize = 1024;

/// More than a worker's share of any cache; together more than all caches.
constexpr int64_t kMinArrayBytes = int64_t{32} << 20;
constexpr int64_t kMinBytesOfAllWorkers = int64_t{128} << 20;  // of each of the three arrays
/// Of the memory that is free; arrays are smaller where there are many workers and little memory.
constexpr int64_t kMemoryFraction = 4;

/// Elements of each of a worker's three arrays.
int64_t array_elements(int64_t num_workers, int64_t available_bytes) {
  const int64_t wanted = std::max(kMinArrayBytes, kMinBytesOfAllWorkers / num_workers);
  const int64_t allowed = available_bytes / kMemoryFraction / (3 * num_workers);
  return std::max<int64_t>(std::min(wanted, allowed) / int64_t{sizeof(float)}, 1);
}

/// The rate of all workers together; each has an action that `bind` gives it. Arrays lie where the
/// runtime's would: in memory that one thread touched first.
template <class Bind>
Result<double> rate_of_workers(int32_t num_workers, double amount, Bind bind) {
  TRY(const auto buffers, graphrt::ProductBuffers::reserve(num_workers));
  graphrt::CpuDevice device("cpu");
  std::vector<std::unique_ptr<graphrt::Action>> actions;
  std::vector<graphrt::Action*> pointers;
  for (int32_t i = 0; i < num_workers; ++i) {
    TRY(std::unique_ptr<graphrt::Action> action, bind(device));
    pointers.push_back(action.get());
    actions.push_back(std::move(action));
  }
  return combined_rate(pointers, amount);
}

}  // namespace

Result<graphc::Device> measure_cpu(int32_t num_workers) {
  graphc::Device cpu;
  cpu.name = "cpu";
  cpu.kind = "cpu";
  cpu.num_lanes = num_workers;
  cpu.memory_bytes = whole_gibibytes(host_memory_bytes());
  const auto rate_of_products = [&](graphrt::ElementType element) {
    return rate_of_workers(num_workers, product_flops(kCpuProductSize), [&](auto& device) {
      return bind_product(device, kCpuProductSize, "f32", element);
    });
  };
  TRY(cpu.rates["matmul_f32"], rate_of_products(graphrt::ElementType::kF32));
  TRY(cpu.rates["matmul_16bit"], rate_of_products(graphrt::ElementType::kBF16));
  const int64_t num_elements = array_elements(num_workers, graphrt::available_host_bytes());
  TRY(cpu.rates["bytes"],
      rate_of_workers(num_workers, sum_bytes(num_elements),
                      [&](graphrt::Device& device) { return bind_sum(device, num_elements); }));
  TRY(const double bytes_per_worker,
      rate_of_workers(1, sum_bytes(num_elements),
                      [&](graphrt::Device& device) { return bind_sum(device, num_elements); }));
  const double bytes = cpu.rates["bytes"];
  cpu.bytes_per_worker_per_s = std::clamp(bytes_per_worker, bytes / num_workers, bytes);
  return cpu;
}

}  // namespace graphprobe
