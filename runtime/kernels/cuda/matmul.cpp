#include <algorithm>
#include <limits>
#include <type_traits>

#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {
namespace {

constexpr int64_t kMaxBlasSize = std::numeric_limits<int32_t>::max();

/// Destroys a cuBLASLt descriptor.
struct Destroy {
  void operator()(cublasLtMatmulDesc_t product) const { cublasLtMatmulDescDestroy(product); }
  void operator()(cublasLtMatrixLayout_t layout) const { cublasLtMatrixLayoutDestroy(layout); }
  void operator()(cublasLtMatmulPreference_t preference) const {
    cublasLtMatmulPreferenceDestroy(preference);
  }
};
template <class Handle>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy>;
using Product = Owned<cublasLtMatmulDesc_t>;
using Layout = Owned<cublasLtMatrixLayout_t>;
using Preference = Owned<cublasLtMatmulPreference_t>;

/// Equal row-major matrices, one after the other.
struct Matrices {
  int64_t num_rows;
  int64_t num_columns;
  int64_t count;
};

Matrices matrices_of(const TensorType& type) {
  const Shape& shape = type.shape;
  const int64_t num_rows = shape[shape.size() - 2];
  const int64_t num_columns = shape.back();
  return {num_rows, num_columns, type.num_elements() / (num_rows * num_columns)};
}

/// cuBLAS counts by columns: what it is told to be a matrix is the transpose of what we mean.
Result<Layout> layout_of(const Matrices& matrices) {
  cublasLtMatrixLayout_t handle = nullptr;
  CUDA_TRY(
      cublasLtMatrixLayoutCreate(&handle, CUDA_R_32F, static_cast<uint64_t>(matrices.num_columns),
                                 static_cast<uint64_t>(matrices.num_rows), matrices.num_columns));
  Layout layout(handle);
  const auto count = static_cast<int32_t>(matrices.count);
  const int64_t stride = matrices.num_rows * matrices.num_columns;
  CUDA_TRY(cublasLtMatrixLayoutSetAttribute(handle, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                            sizeof(count)));
  CUDA_TRY(cublasLtMatrixLayoutSetAttribute(handle, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                            &stride, sizeof(stride)));
  return layout;
}

/// The transpose of the product has its operands swapped: b comes first.
Result<Product> product_of(bool transpose_a, bool transpose_b) {
  cublasLtMatmulDesc_t handle = nullptr;
  CUDA_TRY(cublasLtMatmulDescCreate(&handle, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  Product product(handle);
  const cublasOperation_t first = transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t second = transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  CUDA_TRY(
      cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof(first)));
  CUDA_TRY(
      cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof(second)));
  return product;
}

Result<Preference> preference_for(uint32_t alignment) {
  cublasLtMatmulPreference_t handle = nullptr;
  CUDA_TRY(cublasLtMatmulPreferenceCreate(&handle));
  Preference preference(handle);
  const auto workspace_bytes = static_cast<uint64_t>(kCudaWorkspaceBytes);
  CUDA_TRY(cublasLtMatmulPreferenceSetAttribute(handle, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                &workspace_bytes, sizeof(workspace_bytes)));
  for (const auto attribute :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    CUDA_TRY(
        cublasLtMatmulPreferenceSetAttribute(handle, attribute, &alignment, sizeof(alignment)));
  }
  return preference;
}

/// A product with its layouts, as cuBLASLt names them.
struct Descriptors {
  Product product;
  Layout a;
  Layout b;
  Layout result;
};

/// The first heuristic: never timed, so that every run of a plan uses the same one.
Result<cublasLtMatmulAlgo_t> algorithm_for(const Descriptors& use, uint32_t alignment,
                                           cublasLtHandle_t blas) {
  TRY(const Preference preference, preference_for(alignment));
  cublasLtMatmulHeuristicResult_t found = {};
  int num_found = 0;
  CUDA_TRY(cublasLtMatmulAlgoGetHeuristic(blas, use.product.get(), use.b.get(), use.a.get(),
                                          use.result.get(), use.result.get(), preference.get(), 1,
                                          &found, &num_found));
  if (num_found == 0) return machine_error("cublasLtMatmulAlgoGetHeuristic found no algorithm");
  CUDA_TRY(found.state);
  return found.algo;
}

constexpr uint32_t kAnyAlignment = sizeof(float);
constexpr uint32_t kVectorAlignment = 4 * sizeof(float);

class MatmulKernel : public CudaKernel {
 public:
  MatmulKernel(Descriptors use, const cublasLtMatmulAlgo_t& aligned,
               const cublasLtMatmulAlgo_t& unaligned)
      : use_(std::move(use)), aligned_(aligned), unaligned_(unaligned) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    constexpr float kFactor = 1;
    constexpr float kKeptOfResult = 0;
    const cublasLtMatmulAlgo_t& algorithm =
        are_aligned(kVectorAlignment, inputs[0], inputs[1], output) ? aligned_ : unaligned_;
    CUDA_TRY(cublasLtMatmul(queue.blas, use_.product.get(), &kFactor, inputs[1], use_.b.get(),
                            inputs[0], use_.a.get(), &kKeptOfResult, output, use_.result.get(),
                            output, use_.result.get(), &algorithm, queue.workspace,
                            static_cast<size_t>(kCudaWorkspaceBytes), queue.stream));
    return {};
  }

 private:
  Descriptors use_;
  cublasLtMatmulAlgo_t aligned_;
  cublasLtMatmulAlgo_t unaligned_;
};

bool takes(const Matrices& matrices) {
  return std::max({matrices.num_rows, matrices.num_columns, matrices.count}) <= kMaxBlasSize;
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  for (const TensorType* type : {&spec.inputs[0], &spec.inputs[1], &spec.result}) {
    if (takes(matrices_of(*type))) continue;
    return input_error("matmul on CUDA takes at most " + std::to_string(kMaxBlasSize) +
                       " matrices, each of at most as many rows and columns; got " +
                       to_string(*type));
  }
  Descriptors use;
  TRY(use.product,
      product_of(spec.attributes.flag("transpose_a"), spec.attributes.flag("transpose_b")));
  TRY(use.a, layout_of(matrices_of(spec.inputs[0])));
  TRY(use.b, layout_of(matrices_of(spec.inputs[1])));
  TRY(use.result, layout_of(matrices_of(spec.result)));
  TRY(const cublasLtMatmulAlgo_t aligned, algorithm_for(use, kVectorAlignment, spec.blas));
  TRY(const cublasLtMatmulAlgo_t unaligned, algorithm_for(use, kAnyAlignment, spec.blas));
  return std::make_unique<MatmulKernel>(std::move(use), aligned, unaligned);
}

}  // namespace graphrt::cuda
