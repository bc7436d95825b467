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
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/cuda/signal_memory.h"
#include "runtime/device/cuda/step_kernels.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/op/scratch_rules.h"

namespace {

using graphrt::Signal;
using graphrt::SignalId;
using graphrt::cuda::FlagAccess;
using graphrt::cuda::SignalMemory;

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
  for (int i = 0; i < num_nodes / 2; ++i) program.signals.push_back(Signal{});
  auto memory = SignalMemory::create(program, access);
  if (!memory) require(graphrt::Result<void>(tl::unexpected(memory.error())));
  measure(name, [&](cudaStream_t stream) {
    for (const SignalId id : program.signals.ids()) {
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

/// Chains of kernels on one GPU, each on a stream of its own. Every `crossing`th kernel of a chain
/// waits for the one before it in the next chain, too; 0: none does.
void measure_branches(int num_nodes, int num_branches, int crossing, float* value) {
  require(cudaSetDevice(0), "cudaSetDevice");
  std::vector<cudaStream_t> branches(static_cast<size_t>(num_branches));
  for (cudaStream_t& branch : branches) {
    require(cudaStreamCreateWithFlags(&branch, cudaStreamNonBlocking), "stream");
  }
  std::vector<cudaEvent_t> events;
  const auto wait = [&](cudaStream_t waiting, cudaStream_t awaited) {
    events.emplace_back();
    require(cudaEventCreateWithFlags(&events.back(), cudaEventDisableTiming), "event");
    require(cudaEventRecord(events.back(), awaited), "event");
    require(cudaStreamWaitEvent(waiting, events.back(), 0), "event");
  };
  const std::string name = "kernels in " + std::to_string(num_branches) + " branches, " +
                           (crossing == 0 ? "no" : "every " + std::to_string(crossing) + ".") +
                           " crossing";
  measure(name.c_str(), [&](cudaStream_t stream) {
    for (const cudaStream_t branch : branches) wait(branch, stream);
    for (int i = 0; i < num_nodes / num_branches; ++i) {
      for (size_t b = 0; b < branches.size(); ++b) {
        if (crossing > 0 && i % crossing == crossing - 1) {
          wait(branches[b], branches[(b + 1) % branches.size()]);
        }
        add_one<<<1, 32, 0, branches[b]>>>(value);
      }
    }
    for (const cudaStream_t branch : branches) wait(stream, branch);
  });
  for (const cudaEvent_t event : events) require(cudaEventDestroy(event), "event");
  for (const cudaStream_t branch : branches) require(cudaStreamDestroy(branch), "stream");
}

/// An operator of the kernels that steps are made of, with operands of its own.
class Operator {
 public:
  Operator(std::string_view op, const std::vector<graphrt::TensorType>& inputs,
           const graphrt::TensorType& result) {
    require(cudaSetDevice(0), "cudaSetDevice");
    require(cudaMalloc(&memory_, size_t{graphrt::kMaxScratchBytes}), "memory");
    require(cudaMemset(memory_, 0, size_t{graphrt::kMaxScratchBytes}), "memory");
    cublasLtCreate(&queue_.blas);
    auto kernel = graphrt::prepare_cuda_kernel(op, inputs, {&result, 1}, {}, queue_.blas);
    if (!kernel) require(graphrt::Result<void>(tl::unexpected(kernel.error())));
    kernel_ = *std::move(kernel);
    // Apart from each other and from what the kernel may use as scratch memory.
    for (size_t i = 0; i <= inputs.size(); ++i) {
      void* operand = nullptr;
      require(cudaMalloc(&operand, size_t{1} << 22), "memory");
      require(cudaMemset(operand, 0, size_t{1} << 22), "memory");
      operands_.push_back(static_cast<std::byte*>(operand));
    }
  }

  void queue(cudaStream_t stream) {
    queue_.stream = stream;
    const std::vector<const std::byte*> inputs(operands_.begin(), operands_.end() - 1);
    require(kernel_->launch({inputs, {&operands_.back(), 1}, static_cast<std::byte*>(memory_)},
                            queue_));
  }

 private:
  void* memory_ = nullptr;
  graphrt::CudaQueue queue_;
  std::unique_ptr<const graphrt::CudaKernel> kernel_;
  std::vector<std::byte*> operands_;
};

/// Chains of what the step of a small network consists of, alone and in turn.
void measure_operators(int num_nodes, float* value) {
  const auto f32 = [](int64_t rows, int64_t columns) {
    return graphrt::TensorType{graphrt::ElementType::kF32, {rows, columns}};
  };
  const graphrt::TensorType labels{graphrt::ElementType::kI32, {100}};
  Operator split_product("matmul", {f32(100, 784), f32(784, 256)}, f32(100, 256));
  Operator product("matmul", {f32(512, 64), f32(64, 512)}, f32(512, 512));
  Operator loss("softmax_cross_entropy_grad", {f32(100, 10), labels}, f32(100, 10));
  Operator relu("relu_grad", {f32(100, 256), f32(100, 256)}, f32(100, 256));
  const auto chain = [&](const char* name, const std::function<void(cudaStream_t)>& queue) {
    measure(name, [&](cudaStream_t stream) {
      for (int i = 0; i < num_nodes; ++i) queue(stream);
    });
  };
  chain("product, 100x784x256", [&](cudaStream_t stream) { split_product.queue(stream); });
  chain("product, 512x64x512", [&](cudaStream_t stream) { product.queue(stream); });
  chain("softmax_cross_entropy_grad", [&](cudaStream_t stream) { loss.queue(stream); });
  chain("relu_grad", [&](cudaStream_t stream) { relu.queue(stream); });
  chain("relu_grad and softmax_cross_entropy_grad", [&](cudaStream_t stream) {
    relu.queue(stream);
    loss.queue(stream);
  });
  chain("product, 100x784x256, and relu_grad", [&](cudaStream_t stream) {
    split_product.queue(stream);
    relu.queue(stream);
  });
  chain("product, 512x64x512, and a kernel", [&](cudaStream_t stream) {
    product.queue(stream);
    add_one<<<1, 32, 0, stream>>>(value);
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
  for (const int num_branches : {1, 2, 4, 8, 32}) {
    for (const int crossing : {0, 10, 1}) {
      measure_branches(num_nodes, num_branches, crossing, reinterpret_cast<float*>(gpu0));
    }
  }
  measure_operators(num_nodes, reinterpret_cast<float*>(gpu0));
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
