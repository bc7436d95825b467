// Attention on GPUs: every type and every way to multiply, all results, against the reference.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/gpu/kernel_runner.h"
#include "tests/unit/runtime/kernels/attention_cases.h"

namespace graphrt {
namespace {

constexpr uint32_t kAttentionSeed = 20261201;

/// What is drawn: heads of sizes around those of tiles, and numbers that make scores differ.
constexpr std::array<int64_t, 3> kAttentionSizes = {1, 2, 3};
constexpr DiceRange kAttentionDice = {kAttentionSizes, 10, 1, 128};

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> floats;
  with_float_type(tensor.type.element, [&](auto tag) {
    for (const auto x : tensor.as<typename decltype(tag)::Type>()) {
      floats.push_back(static_cast<float>(x));
    }
  });
  return floats;
}

/// The length of the difference over that of what is wanted. What is not finite has to be equal.
double distance(const Tensor& found, const Tensor& wanted) {
  const std::vector<float> a = floats_of(found);
  const std::vector<float> b = floats_of(wanted);
  double of_difference = 0;
  double of_wanted = 1e-12;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] && !std::isfinite(a[i])) continue;
    of_difference += std::pow(double{a[i]} - b[i], 2);
    of_wanted += std::pow(double{b[i]}, 2);
  }
  return std::sqrt(of_difference / of_wanted);
}

/// By what operands, weights and results are rounded to.
double allowed_distance(const OperatorUse& use) {
  const ElementType element = use.inputs[0].type.element;
  const std::string_view math = use.attributes.text("math", "f32");
  if (element == ElementType::kBF16 || math == "bf16") return 0x1p-6;
  if (element == ElementType::kF16 || math == "tf32") return 0x1p-9;
  return 1e-5;
}

class GpuAttention : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) queue_ = std::make_unique<KernelQueue>();
  }

  void expect_like_reference(std::string_view op, const OperatorUse& use) const {
    const KernelCase tested{op, use.inputs, use.attributes};
    SCOPED_TRACE(to_string(tested));
    const std::vector<Tensor> wanted = run_reference_for_all(op, use.inputs, use.attributes);
    for (const int64_t offset : {0, 4}) {
      const KernelRun kernel(*queue_, tested, {.offset_bytes = offset});
      const std::vector<Tensor> found = kernel.results();
      for (size_t i = 0; i < wanted.size(); ++i) {
        EXPECT_LE(distance(found[i], wanted[i]), allowed_distance(use))
            << "result " << i << ", offset " << offset;
      }
      EXPECT_TRUE(kernel.results() == found) << "other bits at the second launch";
    }
  }

  /// Also by what f32 may be rounded to.
  void expect_like_reference_in_all_ways(std::string_view op, OperatorUse use) const {
    expect_like_reference(op, use);
    if (use.inputs[0].type.element != ElementType::kF32) return;
    for (const std::string math : {"tf32", "bf16"}) {
      use.attributes.set("math", math);
      expect_like_reference(op, use);
    }
  }

  std::unique_ptr<KernelQueue> queue_;
};

TEST_F(GpuAttention, AgreesWithTheReferenceForRandomShapes) {
  Dice dice(kAttentionSeed, kAttentionDice);
  for (int i = 0; i < 100 && !HasFailure(); ++i) {
    SCOPED_TRACE("case " + std::to_string(i) + " of seed " + std::to_string(kAttentionSeed));
    const OperatorUse forward = attention_use(dice);
    expect_like_reference_in_all_ways("attention", forward);
    expect_like_reference_in_all_ways("attention_grad", attention_grad_of(dice, forward));
  }
}

TEST_F(GpuAttention, AgreesWithTheReferenceOverSeveralTiles) {
  Dice dice(kAttentionSeed + 1, kAttentionDice);
  for (const AttentionCase& tested : large_attention_cases(dice)) {
    expect_like_reference_in_all_ways(tested.op, tested.use);
  }
}

// A library's kernels, too, where there is one.
TEST_F(GpuAttention, GivesTheSameBitsInACapturedGraph) {
  Dice dice(kAttentionSeed + 2, kAttentionDice);
  const OperatorUse forward = attention_of(dice, {2, 130, 130, 2, 2, 64, 64}, ElementType::kBF16,
                                           CaseMask::kNone, with({{"causal", true}}));
  for (const auto& [op, use] :
       {AttentionCase{"attention", forward},
        AttentionCase{"packed_attention", packed("attention", forward)},
        AttentionCase{"attention_grad", attention_grad_of(dice, forward)}}) {
    const KernelRun kernel(*queue_, {op, use.inputs, use.attributes});
    const std::vector<Tensor> wanted = kernel.results();
    const cudaStream_t stream = queue_->get().stream;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    kernel.launch();
    require(cudaStreamEndCapture(stream, &graph));
    require(cudaGraphInstantiate(&executable, graph, 0));
    kernel.output().clear();
    require(cudaGraphLaunch(executable, stream));
    queue_->wait();
    EXPECT_TRUE(kernel.output().read() == wanted.front()) << op;
    require(cudaGraphExecDestroy(executable));
    require(cudaGraphDestroy(graph));
  }
}

TEST_F(GpuAttention, RefusesHeadsThatAreTooWide) {
  const TensorType wide{ElementType::kF32, {1, 2, 1, 129}};
  const TensorType log_sum{ElementType::kF32, {1, 1, 2}};
  const auto kernel = prepare_cuda_kernel("attention", std::vector{wide, wide, wide},
                                          std::vector{wide, log_sum}, {}, queue_->get().blas);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().message,
            "attention on CUDA takes heads of at most 128 elements; got 129");
}

}  // namespace
}  // namespace graphrt
