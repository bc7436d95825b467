// What the hardware does by itself in a recording, done by kernels.
#include "runtime/device/cuda/step_kernels.h"

#include <array>
#include <vector>

#include "runtime/device/cuda/cuda_driver.h"
#include "tests/gpu/gpu_test.h"

namespace graphrt::cuda {
namespace {

constexpr size_t kNumBytes = 1 << 12;

class StepKernels : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_EQ(cudaMalloc(&memory_, kNumBytes), cudaSuccess);
    ASSERT_EQ(cudaGraphCreate(&graph_, 0), cudaSuccess);
  }
  void TearDown() override {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
    cudaFree(memory_);
  }

  cudaGraphNode_t add_fill(const std::vector<cudaGraphNode_t>& before, cudaMemsetParams fill,
                           size_t offset) {
    fill.dst = static_cast<std::byte*>(memory_) + offset;
    cudaGraphNode_t node = nullptr;
    EXPECT_EQ(cudaGraphAddMemsetNode(&node, graph_, before.data(), before.size(), &fill),
              cudaSuccess);
    return node;
  }

  /// What is in memory after the graph has run over bytes that are all 0x55.
  std::vector<uint8_t> bytes_after_run() {
    std::vector<uint8_t> bytes(kNumBytes);
    cudaGraphExec_t executable = nullptr;
    EXPECT_EQ(cudaMemset(memory_, 0x55, kNumBytes), cudaSuccess);
    EXPECT_EQ(cudaGraphInstantiate(&executable, graph_, 0), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(executable, nullptr), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(bytes.data(), memory_, kNumBytes, cudaMemcpyDeviceToHost), cudaSuccess);
    cudaGraphExecDestroy(executable);
    return bytes;
  }

  size_t num_nodes_of(cudaGraphNodeType wanted) {
    std::array<cudaGraphNode_t, 16> nodes = {};
    size_t num_nodes = nodes.size();
    EXPECT_EQ(cudaGraphGetNodes(graph_, nodes.data(), &num_nodes), cudaSuccess);
    size_t count = 0;
    for (size_t i = 0; i < num_nodes; ++i) {
      cudaGraphNodeType type = cudaGraphNodeTypeEmpty;
      EXPECT_EQ(cudaGraphNodeGetType(nodes[i], &type), cudaSuccess);
      count += type == wanted ? 1 : 0;
    }
    return count;
  }

  void* memory_ = nullptr;
  cudaGraph_t graph_ = nullptr;
};

// Each over what the one before wrote, so that an order that is lost shows.
TEST_F(StepKernels, FillAsMemoryOperationsDo) {
  const auto first = add_fill({}, {nullptr, 0, 0x11, 1, 3000, 1}, 0);
  const auto words = add_fill({first}, {nullptr, 0, 0x04030201, 4, 100, 1}, 8);
  const auto halves = add_fill({first}, {nullptr, 0, 0x0605, 2, 33, 1}, 1000);
  const auto rows = add_fill({words, halves}, {nullptr, 64, 0x77, 1, 5, 20}, 16);
  add_fill({rows}, {nullptr, 0, 0, 4, 1, 1}, 80);
  const std::vector<uint8_t> wanted = bytes_after_run();
  EXPECT_EQ(num_nodes_of(cudaGraphNodeTypeMemset), 5U);
  const auto result = fill_by_kernels(graph_);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(num_nodes_of(cudaGraphNodeTypeMemset), 0U);
  EXPECT_EQ(num_nodes_of(cudaGraphNodeTypeKernel), 5U);
  EXPECT_EQ(bytes_after_run(), wanted);
}

// These need no GPU.
TEST(GpuKinds, AreRefusedWithoutInstructionsForAllPrecisions) {
  const auto refused = cuda::check_gpu_kind({"Tesla T4", 7, 5, true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().message,
      "Tesla T4 has compute capability 7.5, and bf16 and tf32 need 8.0; --devices=emulated runs "
      "the plan on the CPU");
  EXPECT_TRUE(cuda::check_gpu_kind({"NVIDIA A100", 8, 0, true}));
}

TEST(GpuKinds, AreRefusedWithoutKernelsForThem) {
  const auto refused = cuda::check_gpu_kind({"NVIDIA A100", 8, 0, false});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "this build has no kernels for NVIDIA A100, of compute capability 8.0: build it with "
            "-DCMAKE_CUDA_ARCHITECTURES=80, or use --devices=emulated");
}

TEST_F(StepKernels, AreThereForThisGpu) {
  const auto kind = cuda::gpu_kind(0);
  ASSERT_TRUE(kind) << kind.error().message;
  EXPECT_TRUE(kind->has_kernels);
  EXPECT_FALSE(kind->name.empty());
}

}  // namespace
}  // namespace graphrt::cuda
