#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <type_traits>

#include "runtime/kernels/cuda/prepare.h"
#include "runtime/op/product_math.h"

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

cublasComputeType_t compute_type(ProductMath math) {
  switch (math) {
    case ProductMath::kF32:
      break;
    case ProductMath::kTf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case ProductMath::kBf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
  }
  return CUBLAS_COMPUTE_32F;
}

/// The transpose of the product has its operands swapped: b comes first. Its rows are our columns,
/// so the bias that cuBLAS adds to each row is ours for each column.
Result<Product> product_of(const Attributes& attributes, cublasLtEpilogue_t epilogue) {
  cublasLtMatmulDesc_t handle = nullptr;
  CUDA_TRY(cublasLtMatmulDescCreate(&handle, compute_type(product_math(attributes)), CUDA_R_32F));
  Product product(handle);
  const cublasOperation_t first = attributes.flag("transpose_b") ? CUBLAS_OP_T : CUBLAS_OP_N;
  const cublasOperation_t second = attributes.flag("transpose_a") ? CUBLAS_OP_T : CUBLAS_OP_N;
  CUDA_TRY(
      cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof(first)));
  CUDA_TRY(
      cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_TRANSB, &second, sizeof(second)));
  CUDA_TRY(cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue,
                                          sizeof(epilogue)));
  return product;
}

/// `address` is a number: the heuristic is given one that nothing lies at.
Result<void> set_bias(cublasLtMatmulDesc_t product, uintptr_t address) {
  CUDA_TRY(cublasLtMatmulDescSetAttribute(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &address,
                                          sizeof(address)));
  return {};
}

bool has_bias(cublasLtEpilogue_t epilogue) { return (epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }

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
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  Product product;
  Layout a;
  Layout b;
  Layout result;
};

/// The first heuristic, if there is one: never timed, so that every run of a plan uses the same.
Result<std::optional<cublasLtMatmulAlgo_t>> find_algorithm(const Descriptors& use,
                                                           uint32_t alignment,
                                                           cublasLtHandle_t blas) {
  TRY(const Preference preference, preference_for(alignment));
  // Stands for every bias that is aligned in the same way.
  if (has_bias(use.epilogue)) TRY(set_bias(use.product.get(), alignment));
  cublasLtMatmulHeuristicResult_t found = {};
  int num_found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      blas, use.product.get(), use.b.get(), use.a.get(), use.result.get(), use.result.get(),
      preference.get(), 1, &found, &num_found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return std::nullopt;
  CUDA_TRY(status);
  if (num_found == 0) return std::nullopt;
  CUDA_TRY(found.state);
  return found.algo;
}

constexpr uint32_t kAnyAlignment = sizeof(float);
constexpr uint32_t kVectorAlignment = 4 * sizeof(float);

/// y = epilogue(factor a b + kept c).
struct Operands {
  const std::byte* a;
  const std::byte* b;
  const std::byte* c;               ///< may be where the result goes
  const std::byte* bias = nullptr;  ///< of an epilogue that has one
};

class PreparedProduct {
 public:
  PreparedProduct(Descriptors use, const cublasLtMatmulAlgo_t& aligned,
                  const cublasLtMatmulAlgo_t& unaligned)
      : use_(std::move(use)), aligned_(aligned), unaligned_(unaligned) {}

  Result<void> launch(const Operands& operands, float factor, float kept, std::byte* output,
                      const CudaQueue& queue) const {
    const auto& [a, b, c, bias] = operands;
    const cublasLtMatmulAlgo_t& algorithm =
        are_aligned(kVectorAlignment, a, b, c, bias, output) ? aligned_ : unaligned_;
    // A copy: others may launch the same product with another bias at the same time.
    cublasLtMatmulDescOpaque_t product = *use_.product;
    if (has_bias(use_.epilogue)) TRY(set_bias(&product, reinterpret_cast<uintptr_t>(bias)));
    CUDA_TRY(cublasLtMatmul(queue.blas, &product, &factor, b, use_.b.get(), a, use_.a.get(), &kept,
                            c, use_.result.get(), output, use_.result.get(), &algorithm,
                            queue.workspace, static_cast<size_t>(kCudaWorkspaceBytes),
                            queue.stream));
    return {};
  }

 private:
  Descriptors use_;
  cublasLtMatmulAlgo_t aligned_;
  cublasLtMatmulAlgo_t unaligned_;
};

class MatmulKernel : public CudaKernel {
 public:
  explicit MatmulKernel(PreparedProduct product) : product_(std::move(product)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    const std::byte* bias = inputs.size() == 3 ? inputs[2] : nullptr;
    return product_.launch({inputs[0], inputs[1], output, bias}, 1, 0, output, queue);
  }

 private:
  PreparedProduct product_;
};

/// Where cuBLASLt does not do the epilogue along with the product: a kernel each, in place.
class MatmulInStepsKernel : public CudaKernel {
 public:
  MatmulInStepsKernel(PreparedProduct product, std::unique_ptr<const CudaKernel> add_bias,
                      std::unique_ptr<const CudaKernel> relu)
      : product_(std::move(product)), add_bias_(std::move(add_bias)), relu_(std::move(relu)) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    TRY(product_.launch({inputs[0], inputs[1], output}, 1, 0, output, queue));
    const std::byte* y = output;
    if (add_bias_) TRY(add_bias_->launch(std::array{y, inputs[2]}, output, queue));
    if (relu_) TRY(relu_->launch(std::array{y}, output, queue));
    return {};
  }

 private:
  PreparedProduct product_;
  std::unique_ptr<const CudaKernel> add_bias_;  ///< absent: there is none
  std::unique_ptr<const CudaKernel> relu_;      ///< likewise
};

/// w - learning_rate a b.
class MatmulUpdateKernel : public CudaKernel {
 public:
  MatmulUpdateKernel(PreparedProduct product, float learning_rate)
      : product_(std::move(product)), learning_rate_(learning_rate) {}

  Result<void> launch(std::span<const std::byte* const> inputs, std::byte* output,
                      const CudaQueue& queue) const override {
    return product_.launch({inputs[1], inputs[2], inputs[0]}, -learning_rate_, 1, output, queue);
  }

 private:
  PreparedProduct product_;
  float learning_rate_;
};

bool takes(const Matrices& matrices) {
  return std::max({matrices.num_rows, matrices.num_columns, matrices.count}) <= kMaxBlasSize;
}

/// Nothing if cuBLASLt has no algorithm with that epilogue.
Result<std::optional<PreparedProduct>> find_product(const KernelSpec& spec, const TensorType& a,
                                                    const TensorType& b,
                                                    cublasLtEpilogue_t epilogue) {
  for (const TensorType* type : {&a, &b, &spec.result}) {
    if (takes(matrices_of(*type))) continue;
    return input_error("a product on CUDA takes at most " + std::to_string(kMaxBlasSize) +
                       " matrices, each of at most as many rows and columns; got " +
                       to_string(*type));
  }
  Descriptors use;
  use.epilogue = epilogue;
  TRY(use.product, product_of(spec.attributes, epilogue));
  TRY(use.a, layout_of(matrices_of(a)));
  TRY(use.b, layout_of(matrices_of(b)));
  TRY(use.result, layout_of(matrices_of(spec.result)));
  TRY(const auto aligned, find_algorithm(use, kVectorAlignment, spec.blas));
  TRY(const auto unaligned, find_algorithm(use, kAnyAlignment, spec.blas));
  if (!aligned || !unaligned) return std::nullopt;
  return PreparedProduct(std::move(use), *aligned, *unaligned);
}

Result<PreparedProduct> plain_product(const KernelSpec& spec, const TensorType& a,
                                      const TensorType& b) {
  TRY(auto product, find_product(spec, a, b, CUBLASLT_EPILOGUE_DEFAULT));
  if (!product) return machine_error("cublasLtMatmulAlgoGetHeuristic found no algorithm");
  return *std::move(product);
}

cublasLtEpilogue_t epilogue_of(const KernelSpec& spec) {
  const bool has_relu = spec.attributes.flag("relu");
  if (spec.inputs.size() == 3) {
    return has_relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  }
  return has_relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

KernelResult prepare_in_steps(const KernelSpec& spec) {
  TRY(PreparedProduct product, plain_product(spec, spec.inputs[0], spec.inputs[1]));
  std::unique_ptr<const CudaKernel> add_bias;
  if (spec.inputs.size() == 3) {
    const std::array operands = {spec.result, spec.inputs[2]};
    TRY(add_bias, prepare_add({operands, spec.result, spec.attributes, spec.blas}));
  }
  std::unique_ptr<const CudaKernel> relu;
  if (spec.attributes.flag("relu")) {
    TRY(relu, prepare_relu({{&spec.result, 1}, spec.result, spec.attributes, spec.blas}));
  }
  return std::make_unique<MatmulInStepsKernel>(std::move(product), std::move(add_bias),
                                               std::move(relu));
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  TRY(auto product, find_product(spec, spec.inputs[0], spec.inputs[1], epilogue_of(spec)));
  if (!product) return prepare_in_steps(spec);
  return std::make_unique<MatmulKernel>(*std::move(product));
}

KernelResult prepare_matmul_sgd_update(const KernelSpec& spec) {
  TRY(PreparedProduct product, plain_product(spec, spec.inputs[1], spec.inputs[2]));
  const auto learning_rate = static_cast<float>(spec.attributes.number("learning_rate", 0));
  return std::make_unique<MatmulUpdateKernel>(std::move(product), learning_rate);
}

}  // namespace graphrt::cuda
