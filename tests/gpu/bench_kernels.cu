// bench_kernels [WORD [TYPE]]: how close kernels come to the rate at which the GPU's memory copies.
//
// A row an operator and shapes, for the operators whose name contains the word, in floats of the
// type (f32 or bf16) or both: the bytes that its
// definition moves (operands read once, the result written once), the time of a launch, and the
// rate, also as a part of a plain copy's, measured in the same run. Times are those of recorded
// graphs of many launches, the median of several; the launches take their operands from memory in
// turn, so that none finds its own in the cache. Needs one GPU.
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/op/attribute.h"
#include "runtime/op/op_table.h"
#include "runtime/op/scratch_rules.h"

namespace {

using graphrt::Attributes;
using graphrt::ElementType;
using graphrt::Shape;
using graphrt::TensorType;
using List = std::vector<int64_t>;

constexpr int64_t kMiB = int64_t{1} << 20;
/// Several times what the cache of a large GPU holds.
constexpr int64_t kRotationBytes = 512 * kMiB;
constexpr int kNumRepetitions = 9;
constexpr int kThreads = 256;

void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  std::fprintf(stderr, "bench_kernels: %s: %s\n", what, cudaGetErrorString(status));
  std::exit(3);
}

template <class T, class E>
T require(tl::expected<T, E> result) {
  if (!result) {
    std::fprintf(stderr, "bench_kernels: %s\n", result.error().message.c_str());
    std::exit(3);
  }
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

__device__ uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352dU;
  x = (x ^ (x >> 15)) * 0x846ca68bU;
  return x ^ (x >> 16);
}

/// Floats in (0, 1), which suit averages of squares, too; or integers below `limit`.
__global__ void fill(std::byte* memory, int64_t num_elements, uint32_t limit, bool are_narrow) {
  const int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= num_elements) return;
  const uint32_t number = mixed(static_cast<uint32_t>(i));
  const uint32_t bits = __float_as_uint((static_cast<float>(number >> 8) + 0.5F) * 0x1p-24F);
  constexpr int kBitsOfBF16 = 16;
  if (are_narrow) {
    reinterpret_cast<uint16_t*>(memory)[i] = static_cast<uint16_t>(bits >> kBitsOfBF16);
  } else {
    reinterpret_cast<uint32_t*>(memory)[i] = limit > 0 ? number % limit : bits;
  }
}

struct BenchCase {
  std::string_view op;
  std::vector<TensorType> inputs;
  Attributes attributes = {};
  uint32_t int_limit = 1;  ///< integers are below
  int64_t bytes = 0;       ///< 0: all of the operands and the result
};

TensorType f32(Shape shape) { return {ElementType::kF32, std::move(shape)}; }
TensorType floats(ElementType element, Shape shape) { return {element, std::move(shape)}; }
TensorType i32(Shape shape) { return {ElementType::kI32, std::move(shape)}; }

Attributes with(const char* name, graphrt::AttributeValue value) {
  Attributes attributes;
  attributes.set(name, std::move(value));
  return attributes;
}

double median(std::vector<float> values) {
  std::sort(values.begin(), values.end());
  return static_cast<double>(values[values.size() / 2]);
}

/// A stream, and memory that all cases take theirs from.
class Bench {
 public:
  Bench() {
    require(cudaSetDevice(0), "cudaSetDevice");
    require(cudaStreamCreateWithFlags(&queue_.stream, cudaStreamNonBlocking), "stream");
    if (cublasLtCreate(&queue_.blas) != CUBLAS_STATUS_SUCCESS) std::exit(3);
    scratch_ = allocated(graphrt::kMaxScratchBytes);
    memory_ = allocated(kMemoryBytes);
    require(cudaEventCreate(&begin_), "event");
    require(cudaEventCreate(&end_), "event");
  }

  /// Bytes read and written in a second.
  double copy_rate() {
    const int64_t size = 256 * kMiB;
    const auto copy = [&](int64_t turn) {
      const auto* from = memory_ + turn * 2 * size;
      require(cudaMemcpyAsync(memory_ + (turn * 2 + 1) * size, from, static_cast<size_t>(size),
                              cudaMemcpyDeviceToDevice, queue_.stream),
              "copy");
    };
    return 2.0 * static_cast<double>(size) / (1e-6 * launch_us(4, 8, copy));
  }

  void run(const BenchCase& tested, double copy_rate) {
    const graphrt::OpInfo* op = graphrt::find_op(tested.op);
    const TensorType result = require(infer_type(*op, tested.inputs, tested.attributes));
    const auto kernel = require(graphrt::prepare_cuda_kernel(tested.op, tested.inputs, {&result, 1},
                                                             tested.attributes, queue_.blas));
    std::vector<TensorType> types = tested.inputs;
    types.push_back(result);
    int64_t set_bytes = 0;
    int64_t moved_bytes = 0;
    for (const TensorType& type : types) {
      set_bytes += padded(type.size_bytes());
      moved_bytes += type.size_bytes();
    }
    if (tested.bytes > 0) moved_bytes = tested.bytes;
    const int64_t num_sets =
        std::clamp<int64_t>(kRotationBytes / set_bytes, 1, kMemoryBytes / set_bytes);
    const int64_t num_launches = std::max<int64_t>(num_sets, 4 * kRotationBytes / set_bytes);
    for (int64_t set = 0; set < num_sets; ++set) fill_set(types, set * set_bytes, tested);
    const double us = launch_us(num_sets, num_launches, [&](int64_t set) {
      std::vector<const std::byte*> inputs;
      std::byte* at = memory_ + set * set_bytes;
      for (const TensorType& type : tested.inputs) {
        inputs.push_back(at);
        at += padded(type.size_bytes());
      }
      require(kernel->launch({inputs, {&at, 1}, scratch_}, queue_));
    });
    const double rate = static_cast<double>(moved_bytes) / (1e-6 * us);
    std::printf("%-27s %-44s %8.1f %9.1f %7.0f %5.2f\n", std::string(tested.op).c_str(),
                text_of(tested).c_str(), static_cast<double>(moved_bytes) / kMiB, us, rate / 1e9,
                rate / copy_rate);
    std::fflush(stdout);
  }

 private:
  static constexpr int64_t kMemoryBytes = 8192 * kMiB;

  /// Aligned as the memory that plans lay out is.
  static int64_t padded(int64_t size_bytes) { return (size_bytes + 255) / 256 * 256; }

  static std::byte* allocated(int64_t size_bytes) {
    void* memory = nullptr;
    require(cudaMalloc(&memory, static_cast<size_t>(size_bytes)), "memory");
    return static_cast<std::byte*>(memory);
  }

  static std::string text_of(const BenchCase& tested) {
    std::string text;
    for (size_t i = 0; i < tested.inputs.size() && i < 2; ++i) {
      text.append(graphrt::to_string(tested.inputs[i])).append(" ");
    }
    for (const char* name : {"axes", "axis", "causal"}) {
      const graphrt::AttributeValue* value = tested.attributes.find(name);
      if (value != nullptr) text.append(name).append("=").append(graphrt::to_string(*value));
    }
    return text;
  }

  void fill_set(const std::vector<TensorType>& types, int64_t offset, const BenchCase& tested) {
    for (const TensorType& type : types) {
      const int64_t size = type.num_elements();
      const uint32_t limit = type.element == ElementType::kI32 ? tested.int_limit : 0;
      fill<<<static_cast<unsigned>((size + kThreads - 1) / kThreads), kThreads, 0, queue_.stream>>>(
          memory_ + offset, size, limit, type.element == ElementType::kBF16);
      require(cudaGetLastError(), "fill");
      offset += padded(type.size_bytes());
    }
  }

  /// Microseconds for each of `num_launches`, of which number i works on set i % num_sets.
  template <class Launch>
  double launch_us(int64_t num_sets, int64_t num_launches, const Launch& launch) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    require(cudaStreamBeginCapture(queue_.stream, cudaStreamCaptureModeThreadLocal), "capture");
    for (int64_t i = 0; i < num_launches; ++i) launch(i % num_sets);
    require(cudaStreamEndCapture(queue_.stream, &graph), "capture");
    require(cudaGraphInstantiate(&executable, graph, 0), "instantiate");
    std::vector<float> times;
    for (int i = 0; i <= kNumRepetitions; ++i) {
      require(cudaEventRecord(begin_, queue_.stream), "event");
      require(cudaGraphLaunch(executable, queue_.stream), "launch");
      require(cudaEventRecord(end_, queue_.stream), "event");
      require(cudaStreamSynchronize(queue_.stream), "run");
      float ms = 0;
      require(cudaEventElapsedTime(&ms, begin_, end_), "time");
      if (i > 0) times.push_back(ms);  // the first one warms up
    }
    require(cudaGraphExecDestroy(executable), "graph");
    require(cudaGraphDestroy(graph), "graph");
    return median(times) * 1e3 / static_cast<double>(num_launches);
  }

  graphrt::CudaQueue queue_;
  std::byte* scratch_ = nullptr;
  std::byte* memory_ = nullptr;
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

void add_reductions(ElementType element, std::vector<BenchCase>& cases) {
  const auto add = [&](std::string_view op, Shape shape, List axes) {
    cases.push_back({op, {floats(element, std::move(shape))}, with("axes", std::move(axes))});
  };
  add("sum", {8192, 768}, {0});
  add("sum", {8192, 3072}, {0});
  add("sum", {8192, 50304}, {0});
  add("sum", {65536, 1025}, {0});
  add("sum", {7, 4'000'003}, {0});
  add("sum", {8'000'003, 3}, {0});
  add("sum", {1'000'003, 33}, {0});
  add("sum", {64, 1024, 768}, {1});
  add("sum", {64, 1023, 769}, {1});
  add("sum", {300'000, 8, 16}, {1});
  add("sum", {64, 1024, 768}, {0, 2});
  add("sum", {98304, 1024}, {1});
  add("sum", {98304, 1023}, {1});
  add("sum", {8192, 50304}, {1});
  add("sum", {3'000'000, 17}, {1});
  add("sum", {4, 20'000'003}, {1});
  add("sum", {64 * kMiB}, {0});
  add("mean", {8192, 3072}, {0, 1});
  add("mean", {8192, 3072}, {1});
  add("max", {8192, 3072}, {0});
  add("max", {8192, 3072}, {1});
  add("max", {64, 1023, 769}, {1});
}

void add_rows(ElementType element, std::vector<BenchCase>& cases) {
  const auto add = [&](Shape shape, const char* name, graphrt::AttributeValue value) {
    cases.push_back({"softmax", {floats(element, shape)}, with(name, value)});
    if (std::string_view(name) == "causal") return;
    cases.push_back({"softmax_grad",
                     {floats(element, shape), floats(element, shape)},
                     with(name, std::move(value))});
  };
  add({96, 1024, 1024}, "causal", true);
  add({96, 1023, 1023}, "causal", true);
  add({98304, 1024}, "axis", int64_t{1});
  add({98304, 1023}, "axis", int64_t{1});
  add({1'000'000, 64}, "axis", int64_t{1});
  add({3'000'000, 10}, "axis", int64_t{1});
  add({8192, 50304}, "axis", int64_t{1});
  add({2048, 50257}, "axis", int64_t{1});
  add({64, 512, 1024}, "axis", int64_t{1});
  add({5, 3000, 4099}, "axis", int64_t{1});
  for (const int64_t classes : {50304, 50257, 1000}) {
    const std::vector<TensorType> inputs = {floats(element, {8192, classes}), i32({8192})};
    const auto limit = static_cast<uint32_t>(classes);
    cases.push_back({"softmax_cross_entropy", inputs, {}, limit});
    cases.push_back({"softmax_cross_entropy_grad", inputs, {}, limit});
  }
  cases.push_back({"argmax", {floats(element, {8192, 50304})}, {}});
  cases.push_back({"accuracy", {floats(element, {98304, 1000}), i32({98304})}, {}, 1000});
}

void add_norms(ElementType element, std::vector<BenchCase>& cases) {
  for (const Shape& shape : {Shape{8192, 768},
                             {65536, 768},
                             {16384, 3072},
                             {65536, 1025},
                             {4096, 16384},
                             {1'000'000, 64}}) {
    const TensorType x = floats(element, shape);
    const TensorType gamma = floats(element, {shape.back()});
    cases.push_back({"layer_norm", {x, gamma, gamma}});
    cases.push_back({"layer_norm_grad", {x, x, gamma}});
    cases.push_back({"layer_norm_scale_grad", {x, x}});
    cases.push_back({"rms_norm", {x, gamma}});
    cases.push_back({"rms_norm_grad", {x, x, gamma}});
    cases.push_back({"rms_norm_scale_grad", {x, x}});
  }
}

void add_tables(ElementType element, std::vector<BenchCase>& cases) {
  for (const auto& [num_rows, num_columns, num_indices] :
       {std::array<int64_t, 3>{50304, 768, 8192}, {1024, 768, 65536}, {50257, 769, 65536}}) {
    const auto limit = static_cast<uint32_t>(num_rows);
    const int64_t part = num_indices * num_columns * graphrt::size_bytes(element);
    cases.push_back({"embedding",
                     {floats(element, {num_rows, num_columns}), i32({num_indices})},
                     {},
                     limit,
                     2 * part + num_indices * 4});
    cases.push_back({"embedding_grad",
                     {floats(element, {num_indices, num_columns}), i32({num_indices})},
                     with("rows", num_rows),
                     limit});
  }
}

void add_movements(std::vector<BenchCase>& cases) {
  const auto transpose = [&](Shape shape, List axes) {
    cases.push_back({"transpose", {f32(std::move(shape))}, with("axes", std::move(axes))});
  };
  transpose({8, 1024, 12, 64}, {0, 2, 1, 3});
  transpose({32, 1024, 12, 64}, {0, 2, 1, 3});
  transpose({32, 12, 1024, 64}, {0, 2, 1, 3});
  transpose({8192, 8192}, {1, 0});
  transpose({50304, 768}, {1, 0});
  transpose({5001, 5003}, {1, 0});
  transpose({96, 1024, 64}, {0, 2, 1});
  transpose({200, 513, 257}, {2, 0, 1});
  transpose({8'000'000, 3}, {1, 0});
  transpose({3, 8'000'000}, {1, 0});
  transpose({1'000'000, 4, 3, 2}, {0, 2, 1, 3});
  const auto broadcast = [&](Shape from, Shape to) {
    cases.push_back({"broadcast", {f32(std::move(from))}, with("shape", List(to))});
  };
  broadcast({3072}, {8192, 3072});
  broadcast({8192, 1}, {8192, 3072});
  broadcast({8191, 1}, {8191, 3073});
  cases.push_back({"copy", {f32({32 * kMiB})}});
  const auto along = [](int64_t axis) { return with("axis", axis); };
  cases.push_back({"concat", {f32({32768, 768}), f32({32768, 768})}, along(1)});
  cases.push_back({"concat", {f32({32768, 767}), f32({32768, 5})}, along(1)});
}

void add_updates(ElementType element, std::vector<BenchCase>& cases) {
  const TensorType state = f32({8192, 3072});
  const TensorType gradient = floats(element, {8192, 3072});
  cases.push_back({"sgd_update", {state, gradient}, with("learning_rate", 0.1)});
  if (element == ElementType::kF32) {
    cases.push_back(
        {"adam_update", {state, state, state, i32({})}, with("learning_rate", 0.1), 100});
  }
  cases.push_back(
      {"adam_step", {state, state, state, gradient, i32({})}, with("learning_rate", 0.1)});
  cases.push_back({"momentum_update", {state, gradient}, with("momentum", 0.9)});
  cases.push_back({"moving_average_of_squares", {state, gradient}, with("decay", 0.999)});
}

void add_losses(ElementType element, std::vector<BenchCase>& cases) {
  const TensorType x = floats(element, {8192, 3072});
  for (const std::string_view op : {"mse", "mse_grad", "binary_cross_entropy"}) {
    cases.push_back({op, {x, x}});
  }
  cases.push_back({"sum_of_squares", {x}});
  cases.push_back({"norm", {x}});
  cases.push_back({"dropout", {x, i32({})}, with("rate", 0.1), 100});
}

/// What a step of GPT-2 multiplies; memory is not what bounds these.
void add_products(ElementType element, std::vector<BenchCase>& cases) {
  for (const std::array<int64_t, 3>& sizes :
       {std::array<int64_t, 3>{8192, 768, 3072}, {8192, 3072, 768}, {8192, 768, 50304}}) {
    const auto [m, k, n] = sizes;
    cases.push_back({"matmul", {floats(element, {m, k}), floats(element, {k, n})}});
    cases.push_back(
        {"matmul", {floats(element, {m, k}), floats(element, {m, n})}, with("transpose_a", true)});
  }
}

void add_maps(ElementType element, std::vector<BenchCase>& cases) {
  const TensorType x = floats(element, {8192, 3072});
  for (const std::string_view op : {"relu", "exp", "gelu", "tanh", "scale"}) {
    cases.push_back({op, {x}});
  }
  cases.back().attributes = with("factor", 0.5);
  for (const std::string_view op : {"add", "gelu_grad"}) cases.push_back({op, {x, x}});
  cases.push_back({"add", {x, floats(element, {3072})}});
  cases.push_back({"mul", {x, floats(element, {8192, 1})}});
  cases.push_back({"add", {floats(element, {8191, 3073}), floats(element, {3073})}});
  const bool is_f32 = element == ElementType::kF32;
  cases.push_back({"cast", {x}, with("to", std::string(is_f32 ? "bf16" : "f32"))});
}

/// What takes floats of 16 bits.
void add_floats(ElementType element, std::vector<BenchCase>& cases) {
  add_reductions(element, cases);
  add_rows(element, cases);
  add_norms(element, cases);
  add_maps(element, cases);
  add_tables(element, cases);
  add_losses(element, cases);
  add_updates(element, cases);
  add_products(element, cases);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  int num_gpus = 0;
  require(cudaGetDeviceCount(&num_gpus), "no GPU");
  const std::string_view type = argc > 2 ? argv[2] : "";
  std::vector<BenchCase> cases;
  if (type != "bf16") {
    add_floats(ElementType::kF32, cases);
    add_movements(cases);
  }
  if (type != "f32") add_floats(ElementType::kBF16, cases);
  Bench bench;
  const double copy_rate = bench.copy_rate();
  std::printf("a plain copy of 256 MiB: %.0f GB/s\n\n%-27s %-44s %8s %9s %7s %5s\n",
              copy_rate / 1e9, "operator", "operands", "MiB", "us", "GB/s", "ratio");
  for (const BenchCase& tested : cases) {
    if (tested.op.find(word) != std::string_view::npos) bench.run(tested, copy_rate);
  }
  return 0;
}
