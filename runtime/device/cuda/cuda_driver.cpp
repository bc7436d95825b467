#include "runtime/device/cuda/cuda_driver.h"

#include <cuda_runtime.h>

#include <cstdlib>
#include <string>

#include "runtime/device/cuda/cuda_stream.h"
#include "runtime/device/cuda/step_kernels.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// The CUDA version that the entry points are asked in: they have not changed since.
constexpr unsigned kEntryPointVersion = 12000;

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

template <class Function>
Result<void> load_entry_point(const char* name, Function& function) {
  void* address = nullptr;
  cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
  CUDA_TRY(cudaGetDriverEntryPointByVersion(name, &address, kEntryPointVersion, cudaEnableDefault,
                                            &found));
  if (found != cudaDriverEntryPointSuccess || address == nullptr) {
    return machine_error(std::string("the NVIDIA driver has no ") + name + "; update it");
  }
  function = reinterpret_cast<Function>(address);
  return {};
}

}  // namespace

void set_cuda_environment(LaunchMode launch) {
  // A module that is loaded while a stream waits for the host can stop the process for good.
  setenv("CUDA_MODULE_LOADING", "EAGER", 0);
  // Queues that the driver spreads the branches of a graph over. Every order between branches on
  // different ones costs a signal: with 32 a short training step took three times as long as with
  // 2, and kernels side by side took as long with 2 as with 32 (docs/benchmarks.md). Streams that
  // share one run one after the other.
  setenv("CUDA_DEVICE_MAX_CONNECTIONS", launch == LaunchMode::kRecorded ? "2" : "32", 0);
}

Result<int32_t> count_gpus() {
  set_cuda_environment(LaunchMode::kRecorded);
  int num_gpus = 0;
  const cudaError_t status = cudaGetDeviceCount(&num_gpus);
  if (status == cudaSuccess) return num_gpus;
  cudaGetLastError();  // it is not an error of whoever calls next
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (status == cudaErrorInsufficientDriver && driver != 0) {
    return machine_error("the NVIDIA driver supports CUDA " + version_text(driver) +
                         ", and this build needs " + version_text(runtime) +
                         ": update the driver, or use --devices=emulated");
  }
  // No driver; the library that is linked in its place; a driver and no GPU.
  if (status == cudaErrorInsufficientDriver || status == cudaErrorStubLibrary ||
      status == cudaErrorNoDevice) {
    return 0;
  }
  return cuda_error(status, "cudaGetDeviceCount");
}

Result<GpuKind> gpu_kind(int32_t gpu) {
  TRY(select_gpu(gpu));
  cudaDeviceProp properties{};
  CUDA_TRY(cudaGetDeviceProperties(&properties, gpu));
  TRY(const bool has_kernels, has_kernels_for_current_gpu());
  return GpuKind{properties.name, properties.major, properties.minor, has_kernels};
}

Result<void> check_gpu_kind(const GpuKind& kind) {
  // The first with instructions for bf16 and tf32; CMakeLists.txt builds for none before it.
  constexpr int kFirstMajor = 8;
  const std::string capability = std::to_string(kind.major) + "." + std::to_string(kind.minor);
  if (kind.major < kFirstMajor) {
    return machine_error(
        kind.name + " has compute capability " + capability +
        ", and bf16 and tf32 need 8.0; --devices=emulated runs the plan on the CPU");
  }
  if (kind.has_kernels) return {};
  return machine_error("this build has no kernels for " + kind.name + ", of compute capability " +
                       capability +
                       ": build it with -DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(kind.major) +
                       std::to_string(kind.minor) + ", or use --devices=emulated");
}

Result<BatchMemoryOps> load_batch_memory_ops() {
  BatchMemoryOps ops = nullptr;
  TRY(load_entry_point("cuStreamBatchMemOp", ops));
  return ops;
}

Result<GraphNodeKind> load_graph_node_kind() {
  GraphNodeKind kind = nullptr;
  TRY(load_entry_point("cuGraphNodeGetType", kind));
  return kind;
}

}  // namespace graphrt::cuda
