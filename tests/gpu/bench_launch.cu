// bench_launch [NODES]: what one launch of a recorded graph costs, by what its nodes are.
//
// Prints for every kind of node the host's time for one launch and the time until all is done, each
// the median of 15; needs one GPU, and two for the rows about two. docs/decisions/0010 has figures.
#include <cuda_runtime.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/cuda/hand_over_memory.h"
#include "runtime/device/cuda/step_kernels.h"

namespace {

using graphrt::HandOver;
using graphrt::HandOverId;
using graphrt::cuda::FlagAccess;
using graphrt::cuda::HandOverMemory;

constexpr size_t kCopyBytes = 25600;
constexpr int kNumRepetitions = 15;

void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "bench_launch: %s: %s\n", what, cudaGetErrorString(status));
  std::exit(3);
}

void require(const graphrt::Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "bench_launch: %s\n", result.error().message.c_str());
  std::exit(3);
}

__global__ void add_one(float* value) {
  if (threadIdx.x == 0) *value += 1;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

using Clock = std::chrono::steady_clock;
double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

/// Records what `queue_nodes` queues on a stream of GPU 0, launches it and prints the two times.
void measure(const char* name, const std::function<void(cudaStream_t)>& queue_nodes) {
  require(cudaSetDevice(0), "cudaSetDevice");
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  queue_nodes(stream);
  require(cudaStreamEndCapture(stream, &graph), "capture");
  require(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
  require(cudaGraphUpload(executable, stream), "upload");
  require(cudaStreamSynchronize(stream), "upload");
  std::vector<double> launch_us;
  std::vector<double> done_us;
  for (int i = 0; i < kNumRepetitions; ++i) {
    const auto start = Clock::now();
    require(cudaGraphLaunch(executable, stream), "launch");
    launch_us.push_back(microseconds(Clock::now() - start));
    require(cudaStreamSynchronize(stream), name);
    done_us.push_back(microseconds(Clock::now() - start));
  }
  std::printf("%-52s launch %8.1f us, done %8.1f us\n", name, median(launch_us), median(done_us));
  std::fflush(stdout);
  require(cudaGraphExecDestroy(executable), "graph");
  require(cudaGraphDestroy(graph), "graph");
  require(cudaStreamDestroy(stream), "stream");
}

std::byte* device_memory(int gpu) {
  void* memory = nullptr;
  require(cudaSetDevice(gpu), "cudaSetDevice");
  require(cudaMalloc(&memory, 2 * kCopyBytes), "memory");
  require(cudaMemset(memory, 0, 2 * kCopyBytes), "memory");
  return static_cast<std::byte*>(memory);
}

void measure_copies(const char* name, int num_nodes, std::byte* to, const std::byte* from) {
  measure((std::string(name) + ", copy engine").c_str(), [&](cudaStream_t stream) {
    for (int i = 0; i < num_nodes; ++i) {
      require(cudaMemcpyAsync(to, from, kCopyBytes, cudaMemcpyDefault, stream), "copy");
    }
  });
  measure((std::string(name) + ", kernel").c_str(), [&](cudaStream_t stream) {
    for (int i = 0; i < num_nodes; ++i) {
      require(graphrt::cuda::queue_kernel_copy(to, from, kCopyBytes, stream));
    }
  });
}

/// Every flag is set by one node and set back by the next, so the host has no part in it.
void measure_flags(const char* name, int num_nodes, FlagAccess access) {
  graphrt::QueueProgram program;
  for (int i = 0; i < num_nodes / 2; ++i) program.hand_overs.push_back(HandOver{});
  auto memory = HandOverMemory::create(program, access);
  if (!memory) require(graphrt::Result<void>(tl::unexpected(memory.error())));
  measure(name, [&](cudaStream_t stream) {
    for (const HandOverId id : program.hand_overs.ids()) {
      require(memory->enqueue(stream, {{id, 0}}, 0));
      require(memory->enqueue(stream, {{id, 0}}, 1));
    }
  });
}

/// Kernels of two GPUs, each of which waits for the one before.
void measure_two_gpus(int num_nodes, float* first, float* second) {
  cudaStream_t other = nullptr;
  std::vector<cudaEvent_t> events(static_cast<size_t>(num_nodes));
  for (int i = 0; i < num_nodes; ++i) {
    require(cudaSetDevice(i % 2), "cudaSetDevice");
    require(cudaEventCreateWithFlags(&events[static_cast<size_t>(i)], cudaEventDisableTiming),
            "event");
  }
  require(cudaSetDevice(1), "cudaSetDevice");
  require(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), "stream");
  measure("kernels of two GPUs in turn", [&](cudaStream_t stream) {
    for (int i = 0; i < num_nodes; ++i) {
      require(cudaSetDevice(i % 2), "cudaSetDevice");
      const cudaStream_t mine = i % 2 == 0 ? stream : other;
      add_one<<<1, 32, 0, mine>>>(i % 2 == 0 ? first : second);
      require(cudaEventRecord(events[static_cast<size_t>(i)], mine), "event");
      require(cudaStreamWaitEvent(i % 2 == 0 ? other : stream, events[static_cast<size_t>(i)], 0),
              "event");
    }
    require(cudaSetDevice(0), "cudaSetDevice");
  });
}

}  // namespace

int main(int argc, char** argv) {
  const int num_nodes = argc > 1 ? std::atoi(argv[1]) / 2 * 2 : 1000;
  int num_gpus = 0;
  require(cudaGetDeviceCount(&num_gpus), "no GPU");
  if (num_nodes < 2) {
    std::fprintf(stderr, "usage: bench_launch [NODES], two or more\n");
    return 2;
  }
  std::byte* const gpu0 = device_memory(0);
  void* host = nullptr;
  require(cudaHostAlloc(&host, kCopyBytes, cudaHostAllocPortable | cudaHostAllocMapped), "memory");
  measure("kernel", [&](cudaStream_t stream) {
    for (int i = 0; i < num_nodes; ++i)
      add_one<<<1, 32, 0, stream>>>(reinterpret_cast<float*>(gpu0));
  });
  measure_copies("25 KB to the GPU", num_nodes, gpu0, static_cast<std::byte*>(host));
  measure_copies("25 KB to the host", num_nodes, static_cast<std::byte*>(host), gpu0);
  measure_flags("flag, memory operations", num_nodes, FlagAccess::kMemoryOperations);
  measure_flags("flag, kernel", num_nodes, FlagAccess::kKernels);
  if (num_gpus < 2) return 0;
  std::byte* const gpu1 = device_memory(1);
  cudaDeviceEnablePeerAccess(0, 0);
  require(cudaSetDevice(0), "cudaSetDevice");
  cudaDeviceEnablePeerAccess(1, 0);
  measure_copies("25 KB to the other GPU", num_nodes, gpu1, gpu0);
  measure_two_gpus(num_nodes, reinterpret_cast<float*>(gpu0), reinterpret_cast<float*>(gpu1));
  return 0;
}
