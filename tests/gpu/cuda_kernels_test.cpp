// The CUDA kernels against the reference.
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/op/scratch_rules.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/observe/reference_check.h"
#include "tests/gpu/kernel_runner.h"
#include "tests/unit/runtime/kernels/chain_cases.h"
#include "tests/unit/runtime/kernels/extreme_cases.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

constexpr uint32_t kSeed = 20241105;
constexpr int kCasesPerOperator = 40;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor reference_of(const KernelCase& tested) {
  return run_reference(tested.op, tested.inputs, tested.attributes);
}

float largest_magnitude(const Tensor& tensor) {
  float largest = 0;
  for (const float x : tensor.as<float>()) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

/// Whether `found` is within 1e-5 of the element, or 1e-6 of the largest element: where terms
/// cancel out, what is left has fewer digits.
testing::AssertionResult close(const Tensor& found, const Tensor& wanted) {
  if (wanted.type.element != ElementType::kF32) return same(found, wanted, 0);
  const float slack = 1e-6F * largest_magnitude(wanted);
  for (size_t i = 0; i < wanted.as<float>().size(); ++i) {
    const float a = found.as<float>()[i];
    const float b = wanted.as<float>()[i];
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const bool both_finite = std::isfinite(a) && std::isfinite(b);
    if (both_finite && std::abs(a - b) <= slack + 1e-5F * std::abs(b)) continue;
    return testing::AssertionFailure() << "element " << i << ": " << a << " != " << b;
  }
  return testing::AssertionSuccess();
}

std::string trace(const KernelCase& tested) {
  return to_string(tested) + ", seed " + std::to_string(kSeed);
}

class CudaKernels : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) queue_ = std::make_unique<KernelQueue>();
  }

  Tensor run(const KernelCase& tested, const Placement& placement = {}) const {
    return KernelRun(*queue_, tested, placement).result();
  }

  std::unique_ptr<KernelQueue> queue_;
};

class EachCudaKernel : public CudaKernels, public testing::WithParamInterface<std::string_view> {
 protected:
  static std::vector<KernelCase> cases() {
    return random_cases(GetParam(), kSeed, kCasesPerOperator);
  }
};

INSTANTIATE_TEST_SUITE_P(Operators, EachCudaKernel, testing::ValuesIn(ops_with_kernels()),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(EachCudaKernel, AgreesWithReference) {
  for (const KernelCase& tested : cases()) {
    SCOPED_TRACE(trace(tested));
    ASSERT_TRUE(close(run(tested), reference_of(tested)));
  }
}

TEST_P(EachCudaKernel, AgreesWithReferenceAtAddressesThatNoVectorFits) {
  for (const KernelCase& tested : cases()) {
    SCOPED_TRACE(trace(tested));
    ASSERT_TRUE(close(run(tested, {.offset_bytes = 4}), reference_of(tested)));
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

TEST_F(CudaKernels, AgreeWithReferenceOnLargeShapes) {
  for (const KernelCase& tested : large_cases(kSeed)) {
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
  const KernelCase causal{"softmax", {rows}, with({{"causal", true}})};
  EXPECT_TRUE(close(run(causal), reference_of(causal)));
  const KernelCase accuracy{"accuracy", {rows, label}, {}};
  EXPECT_TRUE(close(run(accuracy), reference_of(accuracy)));
  const KernelCase equal{"equal", {rows, rows}, {}};
  EXPECT_TRUE(close(run(equal), reference_of(equal)));
  for (const std::string_view op : {"softmax", "argmax"}) {
    for (const int64_t axis : {0, 1}) {
      const KernelCase tested{op, {rows}, with({{"axis", axis}})};
      SCOPED_TRACE(trace(tested));
      EXPECT_TRUE(close(run(tested), reference_of(tested)));
    }
  }
  for (const std::string_view op : {"max", "sum"}) {
    for (const int64_t axis : {0, 1}) {
      const KernelCase tested{op, {rows}, with({{"axes", List{axis}}})};
      SCOPED_TRACE(trace(tested));
      EXPECT_TRUE(close(run(tested), reference_of(tested)));
    }
  }
  for (const std::string_view op : {"relu", "exp", "log", "tanh", "sigmoid"}) {
    const KernelCase tested{op, {rows}, {}};
    SCOPED_TRACE(trace(tested));
    EXPECT_TRUE(close(run(tested), reference_of(tested)));
  }
  const KernelCase gradient{"softmax_cross_entropy_grad", {rows, label}, {}};
  EXPECT_TRUE(close(run(gradient), reference_of(gradient)));
}

TEST_F(CudaKernels, KeepNotANumberInProductsWithRelu) {
  for (const int64_t size : {3, 16, 64, 256}) {
    const auto n = static_cast<size_t>(size * size);
    Tensor a = tensor_of<float>({size, size}, std::vector<float>(n, -1));
    a.as<float>()[1] = kNaN;
    const Tensor b = tensor_of<float>({size, size}, std::vector<float>(n, 1));
    const Tensor bias = zeros({ElementType::kF32, {size}});
    for (const std::vector<Tensor>& operands : {std::vector{a, b}, std::vector{a, b, bias}}) {
      const KernelCase tested{"matmul", operands, with({{"relu", true}})};
      SCOPED_TRACE(trace(tested));
      EXPECT_TRUE(close(run(tested), reference_of(tested)));
    }
  }
}

TEST_F(CudaKernels, MakeLabelsThatNameNoClassVisible) {
  const Tensor logits = tensor_of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
  for (const int32_t bad : {-1, 2, std::numeric_limits<int32_t>::max()}) {
    const Tensor label = tensor_of<int32_t>({3}, {0, bad, 1});
    const KernelCase gradient{
        "softmax_cross_entropy_grad", {logits, label}, with({{"scale", 2.0}})};
    EXPECT_TRUE(close(run(gradient), reference_of(gradient)));
    const KernelCase loss{"softmax_cross_entropy", {logits, label}, {}};
    EXPECT_TRUE(std::isnan(run(loss).as<float>()[0]));
  }
}

TEST_F(CudaKernels, MakeIndicesThatNameNoRowVisible) {
  for (const int32_t bad : {-1, 3, INT32_MIN, std::numeric_limits<int32_t>::max()}) {
    const Tensor index = tensor_of<int32_t>({3}, {0, bad, 1});
    const Tensor rows = tensor_of<float>({3, 2}, {1, 2, 3, 4, 5, 6});
    const KernelCase forward{"embedding", {rows, index}, {}};
    EXPECT_TRUE(close(run(forward), reference_of(forward)));
    const KernelCase gradient{"embedding_grad", {rows, index}, with({{"rows", int64_t{3}}})};
    EXPECT_TRUE(close(run(gradient), reference_of(gradient)));
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
  for (const KernelCase& tested : random_cases("dropout", kSeed, kCasesPerOperator)) {
    SCOPED_TRACE(trace(tested));
    ASSERT_EQ(run(tested).data, reference_of(tested).data);
    ASSERT_EQ(run(tested, {.offset_bytes = 4}).data, reference_of(tested).data);
  }
}

// Thirds have no exact sums: the order of addition is seen in their bits.
TEST_F(CudaKernels, AddUpRowsOfEmbeddingsAsTheCpuDoes) {
  for (KernelCase tested : random_cases("embedding_grad", kSeed, kCasesPerOperator)) {
    for (float& x : tested.inputs[0].as<float>()) x /= 3;
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
  for (const KernelCase& tested : cases) {
    SCOPED_TRACE(trace(tested));
    EXPECT_TRUE(close(run(tested), reference_of(tested)));
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

// A product in TF32 would lose the last bits.
TEST_F(CudaKernels, MultiplyMatricesInFullPrecision) {
  const float precise = 1 + 0x1p-22F;
  for (const int64_t size : {16, 64, 256}) {
    Tensor identity = zeros({ElementType::kF32, {size, size}});
    for (int64_t i = 0; i < size; ++i) identity.as<float>()[static_cast<size_t>(i * size + i)] = 1;
    Tensor x = zeros(identity.type);
    for (float& element : x.as<float>()) element = precise;
    EXPECT_EQ(run({"matmul", {x, identity}, {}}), x) << size;
  }
}

// Updates of 1.4 units in the last place of the weight, which move it by one. A sum in parts that
// are added to the weight one by one would lose them.
TEST_F(CudaKernels, LoseNoSmallUpdate) {
  for (const int64_t num_terms : {100, 1000, 10'000, 65'536, 1'000'000}) {
    const auto constant = [](const Shape& shape, float number) {
      Tensor tensor = zeros({ElementType::kF32, shape});
      std::ranges::fill(tensor.as<float>(), number);
      return tensor;
    };
    KernelCase tested{"matmul_sgd_update",
                      {constant({2, 3}, 1.5F), constant({num_terms, 2}, 1),
                       constant({num_terms, 3}, 1.0F / static_cast<float>(num_terms))},
                      with({{"learning_rate", 1.4 * 0x1p-23}, {"transpose_a", true}})};
    for (int step = 0; step < 10; ++step) tested.inputs[0] = run(tested);
    EXPECT_EQ(tested.inputs[0], constant({2, 3}, 1.5F - 10 * 0x1p-23F)) << num_terms;
  }
}

// Coarser than f32, or the request was lost; and no coarser than the check of a run allows.
TEST_F(CudaKernels, MultiplyMatricesAsCoarselyAsAskedFor) {
  for (const auto& [math, tolerance] :
       {std::pair("tf32", kTf32CheckTolerance), std::pair("bf16", kBf16CheckTolerance)}) {
    for (KernelCase tested : coarse_product_cases()) {
      const Tensor precise = run(tested);
      tested.attributes.set("math", std::string(math));
      const Tensor coarse = run(tested);
      EXPECT_NE(coarse, precise) << math << " " << to_string(tested);
      const auto error = compare_with_reference(to_string(tested), coarse.type, coarse.data,
                                                reference_of(tested), tolerance);
      EXPECT_TRUE(error) << math << ": " << error.error().message;
    }
  }
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

/// What each algorithm for a case gives, launched by its name.
TEST_F(CudaKernels, GiveCloseResultsByEveryAlgorithm) {
  for (const KernelCase& tested : coarse_product_cases()) {
    const TensorType type = result_type(tested.op, tested.inputs, tested.attributes);
    const auto algorithms = cuda_kernel_algorithms(tested.op, types_of(tested.inputs), {&type, 1},
                                                   tested.attributes, queue_->get().blas);
    ASSERT_TRUE(algorithms) << algorithms.error().message;
    EXPECT_GE(algorithms->size(), 2U) << to_string(tested);
    const Tensor reference = reference_of(tested);
    for (const std::string& algorithm : *algorithms) {
      const KernelRun by_name(*queue_, tested, {}, algorithm);
      EXPECT_TRUE(close(by_name.result(), reference)) << to_string(tested) << " by " << algorithm;
    }
    // The library's own choice is the first of them.
    const Tensor by_itself = run(tested);
    EXPECT_EQ(KernelRun(*queue_, tested, {}, algorithms->front()).result(), by_itself);
  }
}

TEST_F(CudaKernels, RefuseAlgorithmsThatAreNotThere) {
  const TensorType x{ElementType::kF32, {64, 64}};
  const auto message_of = [&](std::string_view op, std::string_view algorithm) {
    const auto kernel =
        prepare_cuda_kernel(op, std::vector{x, x}, {&x, 1}, {}, queue_->get().blas, algorithm);
    return kernel ? "" : kernel.error().message;
  };
  EXPECT_THAT(message_of("add", "id=1"), HasSubstr("add on CUDA has no choice of algorithms"));
  for (const char* text : {"fast", "id=1 tile=20",
                           "id= tile= stages= split_k= reduction= swizzle= "
                           "custom= inner= cluster="}) {
    EXPECT_THAT(message_of("matmul", text), HasSubstr("is not an algorithm as graphprobe writes"));
  }
  const std::string rest = " split_k=1 reduction=0 swizzle=0 custom=0 inner=0 cluster=0";
  EXPECT_NE(message_of("matmul", "id=99999 tile=1 stages=1" + rest), "");
  EXPECT_NE(message_of("matmul", "id=0 tile=99999 stages=99999" + rest), "");
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
