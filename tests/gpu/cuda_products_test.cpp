// Products of matrices on GPUs against the reference.
#include "runtime/observe/reference_check.h"
#include "tests/gpu/cuda_kernels.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

TEST_F(CudaKernels, KeepNotANumberInProductsWithRelu) {
  for (const int64_t size : {3, 16, 64, 256}) {
    const auto n = static_cast<size_t>(size * size);
    Tensor a = tensor_of<float>({size, size}, std::vector<float>(n, -1));
    a.as<float>()[1] = kNaN;
    const Tensor b = tensor_of<float>({size, size}, std::vector<float>(n, 1));
    const Tensor bias = zeros({ElementType::kF32, {size}});
    for (const std::vector<Tensor>& operands : {std::vector{a, b}, std::vector{a, b, bias}}) {
      for (const ElementType element : kFloats) {
        const KernelCase tested = of_floats(element, {"matmul", operands, with({{"relu", true}})});
        SCOPED_TRACE(trace(tested));
        EXPECT_TRUE(close(run(tested), reference_of(tested)));
      }
    }
  }
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

/// What each algorithm for a case gives, launched by its name.
TEST_F(CudaKernels, GiveCloseResultsByEveryAlgorithm) {
  std::vector<KernelCase> cases = coarse_product_cases();
  for (KernelCase& narrow : narrow_product_cases()) cases.push_back(std::move(narrow));
  for (const KernelCase& tested : cases) {
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

}  // namespace
}  // namespace graphrt
