// The CUDA kernels against the reference.
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/op/scratch_rules.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tests/gpu/cuda_kernels.h"
#include "tests/unit/runtime/kernels/chain_cases.h"
#include "tests/unit/runtime/kernels/extreme_cases.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

class EachCudaKernel : public CudaKernels, public testing::WithParamInterface<std::string_view> {
 protected:
  static std::vector<KernelCase> cases() { return cases_of(GetParam()); }
  /// Attention multiplies tiles of weights that are as coarse as its operands.
  static bool rounds_within() { return find_op(GetParam())->multiplies_tiles; }
};

INSTANTIATE_TEST_SUITE_P(Operators, EachCudaKernel, testing::ValuesIn(ops_with_kernels()),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EachCudaKernel, AgreesWithReference) {
  for (const KernelCase& tested : cases()) {
    SCOPED_TRACE(trace(tested));
    const std::vector<Tensor> found = KernelRun(*queue_, tested).results();
    const std::vector<Tensor> wanted =
        run_reference_for_all(tested.op, tested.inputs, tested.attributes);
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_TRUE(close(found[i], wanted[i], rounds_within())) << "result " << i;
    }
  }
}

TEST_P(EachCudaKernel, AgreesWithReferenceAtAddressesThatNoVectorFits) {
  for (const KernelCase& tested : cases()) {
    SCOPED_TRACE(trace(tested));
    const Tensor wanted = reference_of(tested);
    ASSERT_TRUE(close(run(tested, {.offset_bytes = 2}), wanted, rounds_within()));
    ASSERT_TRUE(close(run(tested, {.offset_bytes = 4}), wanted, rounds_within()));
  }
}

TEST_P(EachCudaKernel, GivesTheSameBitsInPlace) {
  const OpInfo& op = *find_op(GetParam());
  for (const KernelCase& tested : cases()) {
    SCOPED_TRACE(trace(tested));
    const Tensor apart = run(tested);
    for (size_t shared = 0; shared < tested.inputs.size(); ++shared) {
      if (!may_run_in_place(op, shared, tested.inputs[shared].type, apart.type)) continue;
      ASSERT_EQ(run(tested, {.in_place = shared}).data, apart.data) << "in place of " << shared;
    }
  }
}

TEST_P(EachCudaKernel, GivesTheSameBitsInACapturedGraph) {
  const KernelCase tested = cases().front();
  SCOPED_TRACE(trace(tested));
  const KernelRun kernel_run(*queue_, tested);
  const Tensor wanted = kernel_run.result();
  kernel_run.output().clear();

  cudaStream_t stream = queue_->get().stream;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  kernel_run.launch();
  require(cudaStreamEndCapture(stream, &graph));
  require(cudaGraphInstantiate(&executable, graph, 0));
  for (int i = 0; i < 2; ++i) require(cudaGraphLaunch(executable, stream));
  queue_->wait();
  EXPECT_EQ(kernel_run.output().read().data, wanted.data);
  require(cudaGraphExecDestroy(executable));
  require(cudaGraphDestroy(graph));
}

/// A part of the large shapes, so that several processes can share them.
class LargeShapes : public CudaKernels, public testing::WithParamInterface<size_t> {
 public:
  static constexpr size_t kNumParts = 12;
};

INSTANTIATE_TEST_SUITE_P(Parts, LargeShapes, testing::Range(size_t{0}, LargeShapes::kNumParts));

TEST_P(LargeShapes, AgreeWithReference) {
  static const std::vector<KernelCase> kCases = large_cases(kSeed);
  for (size_t i = GetParam(); i < kCases.size(); i += kNumParts) {
    const KernelCase& tested = kCases[i];
    SCOPED_TRACE(trace(tested));
    const KernelRun kernel_run(*queue_, tested);
    const Tensor found = kernel_run.result();
    const Tensor wanted = reference_of(tested);
    EXPECT_TRUE(close(found, wanted));
    EXPECT_TRUE(close(run(tested, {.offset_bytes = 4}), wanted));
    // Not EXPECT_EQ, which would print millions of bytes.
    kernel_run.output().clear();
    EXPECT_TRUE(kernel_run.result().data == found.data) << "other bits at the second launch";
  }
}

TEST_F(CudaKernels, GiveWhatTheyShouldOfExtremeOperands) {
  for (const ExtremeCase& tested : extreme_cases()) {
    SCOPED_TRACE(tested.name);
    const KernelCase kernel{tested.op, tested.inputs, tested.attributes};
    EXPECT_TRUE(gives_wanted(run(kernel), tested));
    EXPECT_TRUE(gives_wanted(run(kernel, {.offset_bytes = 4}), tested));
  }
}

TEST_F(CudaKernels, AgreeWithReferenceOnSpecialValues) {
  const Tensor rows =
      tensor_of<float>({5, 4}, {-kInfinity, 1,          1,          -kInfinity,  // -inf weighs 0
                                kNaN,       2,          kNaN,       3,           // NaN is largest
                                1000,       999,        -1000,      1000,        // no overflow
                                -kInfinity, -kInfinity, -kInfinity, -kInfinity,  //
                                kInfinity,  0,          -0.0F,      7});
  const Tensor label = tensor_of<int32_t>({5}, {1, 2, 3, 0, 0});
  std::vector<KernelCase> cases = {{"softmax", {rows}, with({{"causal", true}})},
                                   {"accuracy", {rows, label}, {}},
                                   {"softmax_cross_entropy_grad", {rows, label}, {}}};
  for (const int64_t axis : {0, 1}) {
    for (const std::string_view op : {"softmax", "argmax"}) {
      cases.push_back({op, {rows}, with({{"axis", axis}})});
    }
    for (const std::string_view op : {"max", "sum"}) {
      cases.push_back({op, {rows}, with({{"axes", List{axis}}})});
    }
  }
  for (const std::string_view op : {"relu", "exp", "log", "tanh", "sigmoid"}) {
    cases.push_back({op, {rows}, {}});
  }
  cases.push_back({"equal", {rows, rows}, {}});
  for (const KernelCase& f32_case : cases) {
    for (const ElementType element : kFloats) {
      const KernelCase tested = of_floats(element, f32_case);
      SCOPED_TRACE(trace(tested));
      EXPECT_TRUE(close(run(tested), reference_of(tested)));
    }
  }
}

TEST_F(CudaKernels, MakeLabelsThatNameNoClassVisible) {
  const Tensor logits = tensor_of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  std::vector<Tensor> labels;
  for (const int32_t bad : {-1, 2, std::numeric_limits<int32_t>::max()}) {
    labels.push_back(tensor_of<int32_t>({3}, {0, bad, 1}));
  }
  // Of the second, the lower half names a class.
  for (const int64_t bad : {int64_t{-1}, int64_t{1} << 32, std::numeric_limits<int64_t>::max()}) {
    labels.push_back(tensor_of<int64_t>({3}, {0, bad, 1}));
  }
  for (const Tensor& label : labels) {
    const KernelCase gradient{
        "softmax_cross_entropy_grad", {logits, label}, with({{"scale", 2.0}})};
    EXPECT_TRUE(close(run(gradient), reference_of(gradient)));
    const KernelCase loss{"softmax_cross_entropy", {logits, label}, {}};
    EXPECT_TRUE(std::isnan(run(loss).as<float>()[0]));
  }
}

TEST_F(CudaKernels, MakeIndicesThatNameNoRowVisible) {
  std::vector<Tensor> indices;
  for (const int32_t bad : {-1, 3, INT32_MIN, std::numeric_limits<int32_t>::max()}) {
    indices.push_back(tensor_of<int32_t>({3}, {0, bad, 1}));
  }
  for (const int64_t bad : {int64_t{-1}, int64_t{1} << 32, std::numeric_limits<int64_t>::max()}) {
    indices.push_back(tensor_of<int64_t>({3}, {0, bad, 1}));
  }
  const Tensor rows = tensor_of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  for (const Tensor& index : indices) {
    for (const ElementType element : kFloats) {
      const KernelCase forward = of_floats(element, {"embedding", {rows, index}, {}});
      EXPECT_TRUE(close(run(forward), reference_of(forward)));
      const KernelCase gradient =
          of_floats(element, {"embedding_grad", {rows, index}, with({{"rows", int64_t{3}}})});
      EXPECT_TRUE(close(run(gradient), reference_of(gradient)));
    }
  }
}

TEST_F(CudaKernels, GiveChainsTheBitsOfTheOperatorsThatTheyAreMadeOf) {
  const auto run_operator = [&](std::string_view op, const std::vector<Tensor>& inputs,
                                const Attributes& attributes) {
    return run({op, inputs, attributes});
  };
  for (const KernelCase& tested : random_cases("elementwise", kSeed, kCasesPerOperator)) {
    SCOPED_TRACE(trace(tested));
    const Tensor wanted = run_step_by_step({tested.inputs, tested.attributes}, run_operator);
    ASSERT_EQ(run(tested).data, wanted.data);
    ASSERT_EQ(run(tested, {.offset_bytes = 4}).data, wanted.data);
  }
}

TEST_F(CudaKernels, DropOutWhatTheReferenceDropsOut) {
  for (const KernelCase& tested : cases_of("dropout")) {
    SCOPED_TRACE(trace(tested));
    ASSERT_EQ(run(tested).data, reference_of(tested).data);
    ASSERT_EQ(run(tested, {.offset_bytes = 4}).data, reference_of(tested).data);
  }
}

// Thirds have no exact sums: the order of addition is seen in their bits.
TEST_F(CudaKernels, AddUpRowsOfEmbeddingsAsTheCpuDoes) {
  std::vector<KernelCase> cases = random_cases("embedding_grad", kSeed, kCasesPerOperator);
  for (KernelCase& tested : cases) {
    for (float& x : tested.inputs[0].as<float>()) x /= 3;
  }
  for (KernelCase& other : in_other_elements(cases, kSeed)) cases.push_back(std::move(other));
  for (const KernelCase& tested : cases) {
    SCOPED_TRACE(trace(tested));
    ASSERT_EQ(run(tested).data, run_cpu(tested.op, tested.inputs, tested.attributes).data);
  }
}

TEST_F(CudaKernels, NormalizeSpecialRows) {
  // A large mean beside small differences, no difference, a NaN, infinities.
  const Tensor x = tensor_of<float>({5, 4}, {10'000,    10'001, 10'002,     10'003,  //
                                             1e6F,      1e6F,   1e6F,       1e6F,    //
                                             kNaN,      1,      2,          3,       //
                                             kInfinity, 1,      -kInfinity, 2,       //
                                             0,         0,      0,          0});
  const Tensor ones = tensor_of<float>({4}, {1, 1, 1, 1});
  // Across x: along it the gradient of an RMS norm is 0, and what is left of it rounding alone.
  const Tensor dy = tensor_of<float>({5, 4}, {1, -2, 1, -6,  //
                                              1, -2, 1, -6,  //
                                              1, -2, 1, -6,  //
                                              1, -2, 1, -6,  //
                                              1, -2, 1, -6});
  const KernelCase cases[] = {{"layer_norm", {x, ones, ones}, {}},
                              {"rms_norm", {x, ones}, {}},
                              {"layer_norm_grad", {x, x, ones}, {}},
                              {"layer_norm_grad", {dy, x, ones}, {}},
                              {"rms_norm_grad", {dy, x, ones}, {}}};
  for (const KernelCase& f32_case : cases) {
    for (const ElementType element : {ElementType::kF32, ElementType::kBF16}) {
      const KernelCase tested = of_floats(element, f32_case);
      SCOPED_TRACE(trace(tested));
      EXPECT_TRUE(close(run(tested), reference_of(tested)));
    }
  }
}

TEST_F(CudaKernels, WrapIntegersAround) {
  const Tensor x = tensor_of<int32_t>({3}, {INT32_MAX, INT32_MIN, -7});
  for (const std::string_view op : {"add", "sub", "mul"}) {
    const KernelCase tested{op, {x, tensor_of<int32_t>({3}, {2, 3, INT32_MAX})}, {}};
    SCOPED_TRACE(trace(tested));
    EXPECT_TRUE(close(run(tested), reference_of(tested)));
  }
  const KernelCase tested{"sum", {tensor_of<int32_t>({3}, {INT32_MAX, INT32_MAX, 5})}, {}};
  EXPECT_TRUE(close(run(tested), reference_of(tested)));
}

// One row more than 2^31 elements: 9 GB that only the GPU sees.
TEST_F(CudaKernels, TakeTensorsWhoseIndicesNeedMoreThan32Bits) {
  constexpr int64_t kRows = 65'537;
  constexpr int64_t kColumns = 32'768;
  constexpr int64_t kNumBytes = 4 * kRows * kColumns;
  size_t free_bytes = 0;
  size_t total_bytes = 0;
  require(cudaMemGetInfo(&free_bytes, &total_bytes));
  if (free_bytes < 2 * kNumBytes) GTEST_SKIP() << "needs 18 GB of free GPU memory";
  const TensorType matrix{ElementType::kI32, {kRows, kColumns}};
  const TensorType row{ElementType::kI32, {kColumns}};
  const GpuMemory x(kNumBytes);
  const GpuMemory y(kNumBytes);
  const GpuMemory scratch(kMaxScratchBytes);
  const GuardedTensor ones(row, 0);
  const GuardedTensor sums(row, 0);
  require(cudaMemset(x.begin(), 0, kNumBytes));
  ones.write(tensor_of<int32_t>({kColumns}, std::vector<int32_t>(kColumns, 1)));
  require(cudaDeviceSynchronize());
  const auto launch = [&](std::string_view op, std::vector<TensorType> types,
                          const TensorType& result, const Attributes& attributes,
                          std::vector<const std::byte*> inputs, std::byte* output) {
    const auto kernel =
        prepare_cuda_kernel(op, types, {&result, 1}, attributes, queue_->get().blas).value();
    ASSERT_TRUE(kernel->launch({inputs, {&output, 1}, scratch.begin()}, queue_->get()));
    queue_->wait();
  };
  launch("add", {matrix, row}, matrix, {}, {x.begin(), ones.address()}, x.begin());
  launch("transpose", {matrix}, {ElementType::kI32, {kColumns, kRows}}, {}, {x.begin()}, y.begin());
  launch("sum", {{ElementType::kI32, {kColumns, kRows}}}, row, with({{"axes", List{1}}}),
         {y.begin()}, sums.address());
  EXPECT_THAT(sums.read().as<int32_t>(), testing::Each(kRows));
  sums.clear();
  launch("sum", {matrix}, row, with({{"axes", List{0}}}), {x.begin()}, sums.address());
  EXPECT_THAT(sums.read().as<int32_t>(), testing::Each(kRows));
}

TEST_F(CudaKernels, ExistForEveryOperator) {
  for (const OpInfo& op : all_ops()) {
    EXPECT_EQ(has_cuda_kernel(op.name), !op.is_composite()) << op.name;
  }
  EXPECT_FALSE(has_cuda_kernel("convolve"));
}

TEST_F(CudaKernels, AreNotPreparedForWhatDoesNotFit) {
  const TensorType x{ElementType::kF32, {2}};
  const auto message_of = [&](std::string_view op, std::vector<TensorType> inputs,
                              const TensorType& result) {
    return prepare_cuda_kernel(op, inputs, {&result, 1}, {}, queue_->get().blas).error().message;
  };
  EXPECT_THAT(message_of("convolve", {x}, x), HasSubstr("no kernel for operator 'convolve'"));
  EXPECT_THAT(message_of("relu", {x, x}, x), HasSubstr("relu takes 1 input; got 2"));
  EXPECT_THAT(message_of("relu", {x}, {ElementType::kF32, {3}}),
              HasSubstr("relu gives f32[2]; the result has f32[3]"));
  const TensorType huge{ElementType::kF32, {int64_t{1} << 37}};
  EXPECT_THAT(message_of("relu", {huge}, huge), HasSubstr("at most 68719476736 elements"));
  const TensorType wide{ElementType::kF32, {1, int64_t{1} << 31}};
  const TensorType tall{ElementType::kF32, {int64_t{1} << 31, 1}};
  EXPECT_THAT(message_of("matmul", {wide, tall}, {ElementType::kF32, {1, 1}}),
              HasSubstr("at most 2147483647"));
}

}  // namespace
}  // namespace graphrt
