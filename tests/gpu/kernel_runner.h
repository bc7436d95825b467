#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/kernels/cuda/joint_launch.h"
#include "tests/gpu/gpu_test.h"
#include "tests/gpu/kernel_cases.h"
#include "tests/unit/runtime/kernels/kernel_test_support.h"

namespace graphrt {

/// A stream with all that kernels need.
class KernelQueue {
 public:
  KernelQueue() {
    require(cudaStreamCreateWithFlags(&queue_.stream, cudaStreamNonBlocking));
    require(cublasLtCreate(&queue_.blas));
  }
  KernelQueue(const KernelQueue&) = delete;
  KernelQueue& operator=(const KernelQueue&) = delete;
  ~KernelQueue() {
    cublasLtDestroy(queue_.blas);
    cudaStreamDestroy(queue_.stream);
  }

  const CudaQueue& get() const { return queue_; }
  void wait() const { require(cudaStreamSynchronize(queue_.stream)); }

 private:
  CudaQueue queue_;
};

/// A tensor in GPU memory between guards that must stay as they are, `offset_bytes` behind an
/// address that is aligned to 256 bytes.
class GuardedTensor {
 public:
  GuardedTensor(TensorType type, int64_t offset_bytes)
      : type_(std::move(type)),
        begin_(kGuardBytes + aligned_offset(type_, offset_bytes)),
        size_bytes_(begin_ + type_.size_bytes() + kGuardBytes),
        memory_(size_bytes_) {
    clear();
  }

  std::byte* address() const { return memory_.begin() + begin_; }

  void write(const Tensor& tensor) const {
    require(cudaMemcpy(address(), tensor.data.data(), tensor.data.size(), cudaMemcpyDefault));
  }
  Tensor read() const {
    Tensor tensor = zeros(type_);
    require(cudaMemcpy(tensor.data.data(), address(), tensor.data.size(), cudaMemcpyDefault));
    return tensor;
  }
  /// No result looks like this.
  void clear() const {
    require(cudaMemset(memory_.begin(), kGuard, static_cast<size_t>(size_bytes_)));
    require(cudaDeviceSynchronize());
  }
  bool guards_are_intact() const {
    std::vector<unsigned char> bytes(static_cast<size_t>(size_bytes_));
    require(cudaMemcpy(bytes.data(), memory_.begin(), bytes.size(), cudaMemcpyDefault));
    const auto is_guard = [](unsigned char byte) { return byte == kGuard; };
    return std::all_of(bytes.begin(), bytes.begin() + begin_, is_guard) &&
           std::all_of(bytes.end() - kGuardBytes, bytes.end(), is_guard);
  }

 private:
  static constexpr int64_t kGuardBytes = 256;
  static constexpr unsigned char kGuard = 0xA5;

  /// Whole elements, so that they are aligned to their size.
  static int64_t aligned_offset(const TensorType& type, int64_t offset_bytes) {
    const int64_t size = graphrt::size_bytes(type.element);
    return (offset_bytes + size - 1) / size * size;
  }

  TensorType type_;
  int64_t begin_;
  int64_t size_bytes_;
  GpuMemory memory_;
};

/// Where the operands and the result of a kernel lie.
struct Placement {
  /// Of all of them, behind aligned addresses; rounded up to whole elements.
  int64_t offset_bytes = 0;
  /// The operand whose bytes the first result takes; where each result has its own, the others take
  /// those of the operands behind it.
  std::optional<size_t> in_place = {};
};

/// A case on the GPU, ready to be launched.
class KernelRun {
 public:
  KernelRun(const KernelQueue& queue, const KernelCase& tested, const Placement& placement = {},
            std::string_view algorithm = {})
      : queue_(queue), op_(*find_op(tested.op)), in_place_(placement.in_place) {
    const std::vector<TensorType> inputs = types_of(tested.inputs);
    const std::vector<TensorType> results =
        result_types(tested.op, tested.inputs, tested.attributes);
    auto kernel = prepare_cuda_kernel(tested.op, inputs, results, tested.attributes,
                                      queue.get().blas, algorithm);
    CHECK(kernel.has_value(), kernel.error().message);
    kernel_ = *std::move(kernel);
    for (const Tensor& input : tested.inputs) {
      inputs_.push_back(std::make_unique<GuardedTensor>(input.type, placement.offset_bytes));
      inputs_.back()->write(input);
    }
    for (const TensorType& type : results) {
      outputs_.push_back(std::make_unique<GuardedTensor>(type, placement.offset_bytes));
    }
    constexpr bool kIsOnHost = false;
    const int64_t num_bytes =
        scratch_bytes(*find_op(tested.op), kIsOnHost, inputs, results, tested.attributes);
    scratch_ = std::make_unique<GuardedTensor>(
        TensorType{ElementType::kU8, {std::max<int64_t>(num_bytes, 1)}}, 0);
    require(cudaDeviceSynchronize());
  }

  const GuardedTensor& output(size_t number = 0) const {
    const bool is_in_place = number == 0 || op_.in_place == InPlace::kOperandOfNumber;
    return in_place_ && is_in_place ? *inputs_[*in_place_ + number] : *outputs_[number];
  }

  /// Queues the kernel and nothing else.
  void launch() const {
    const auto launched =
        kernel_->launch({addresses(), result_addresses(), scratch_->address()}, queue_.get());
    CHECK(launched.has_value(), launched.error().message);
  }

  /// Adds it to a launch that several share; says no if it has to be launched by itself.
  bool join(JointLaunch& launch) const {
    return launch.add(*kernel_, {addresses(), result_addresses(), scratch_->address()});
  }

  /// Launches, waits, and returns the first result.
  Tensor result() const { return std::move(results().front()); }

  /// All of them.
  std::vector<Tensor> results() const {
    launch();
    queue_.wait();
    return read();
  }

  /// All of them, after a launch that is over.
  std::vector<Tensor> read() const {
    EXPECT_TRUE(scratch_->guards_are_intact());
    std::vector<Tensor> results;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      EXPECT_TRUE(output(i).guards_are_intact());
      results.push_back(output(i).read());
    }
    return results;
  }

 private:
  std::vector<const std::byte*> addresses() const {
    std::vector<const std::byte*> operands;
    for (const auto& input : inputs_) operands.push_back(input->address());
    return operands;
  }

  std::vector<std::byte*> result_addresses() const {
    std::vector<std::byte*> results;
    for (size_t i = 0; i < outputs_.size(); ++i) results.push_back(output(i).address());
    return results;
  }

  const KernelQueue& queue_;
  const OpInfo& op_;
  std::optional<size_t> in_place_;
  std::unique_ptr<const CudaKernel> kernel_;
  std::vector<std::unique_ptr<GuardedTensor>> inputs_;
  std::vector<std::unique_ptr<GuardedTensor>> outputs_;
  std::unique_ptr<GuardedTensor> scratch_;
};

}  // namespace graphrt
