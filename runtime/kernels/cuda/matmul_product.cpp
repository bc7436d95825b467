#include "runtime/kernels/cuda/matmul_product.h"

#include <algorithm>
#include <limits>

#include "runtime/kernels/cuda/matmul_algorithm.h"
#include "runtime/op/product_math.h"

namespace graphrt::cuda {
namespace {

using Descriptors = PreparedProduct::Descriptors;
using Preference = Owned<cublasLtMatmulPreference_t>;

/// How many of the library's choices are worth timing.
constexpr int kMaxAlgorithms = 16;
constexpr int64_t kMaxBlasSize = std::numeric_limits<int32_t>::max();

/// Of whole vectors; operands that are aligned to their elements alone take another algorithm.
constexpr uint32_t kVectorAlignment = 16;

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

/// Requires: floats.
cudaDataType_t data_type(ElementType element) {
  if (element == ElementType::kBF16) return CUDA_R_16BF;
  return element == ElementType::kF16 ? CUDA_R_16F : CUDA_R_32F;
}

/// cuBLAS counts by columns: what it is told to be a matrix is the transpose of what we mean.
Result<Layout> layout_of(const TensorType& type) {
  const Matrices matrices = matrices_of(type);
  cublasLtMatrixLayout_t handle = nullptr;
  CUDA_TRY(cublasLtMatrixLayoutCreate(
      &handle, data_type(type.element), static_cast<uint64_t>(matrices.num_columns),
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

bool has_bias(cublasLtEpilogue_t epilogue) { return (epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }

/// The transpose of the product has its operands swapped: b comes first. Its rows are our columns,
/// so the bias that cuBLAS adds to each row is ours for each column.
Result<Product> product_of(const KernelSpec& spec, cublasLtEpilogue_t epilogue) {
  const Attributes& attributes = spec.attributes;
  cublasLtMatmulDesc_t handle = nullptr;
  CUDA_TRY(cublasLtMatmulDescCreate(&handle, compute_type(product_math(attributes)), CUDA_R_32F));
  Product product(handle);
  if (has_bias(epilogue)) {
    const cudaDataType_t bias = data_type(spec.result().element);
    CUDA_TRY(cublasLtMatmulDescSetAttribute(handle, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, &bias,
                                            sizeof(bias)));
  }
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

/// What addresses are multiples of.
struct Alignments {
  uint32_t operands;
  uint32_t result;  ///< and of a bias, which has its type
};

constexpr Alignments kOfVectors = {kVectorAlignment, kVectorAlignment};

/// How parts of sums may be added up. Never in what is narrower than f32, where small parts would
/// be lost; nor in weights, for the same reason.
uint32_t reduction_schemes(ElementType result, ProductUse product_use) {
  if (result != ElementType::kF32) return CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
  const bool is_update = product_use == ProductUse::kUpdate;
  return CUBLASLT_REDUCTION_SCHEME_MASK &
         ~(is_update ? uint32_t{CUBLASLT_REDUCTION_SCHEME_INPLACE} : 0);
}

Result<Preference> preference_for(int64_t scratch_bytes, const Alignments& alignments,
                                  uint32_t schemes) {
  cublasLtMatmulPreference_t handle = nullptr;
  CUDA_TRY(cublasLtMatmulPreferenceCreate(&handle));
  Preference preference(handle);
  const auto workspace_bytes = static_cast<uint64_t>(scratch_bytes);
  CUDA_TRY(cublasLtMatmulPreferenceSetAttribute(handle, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                &workspace_bytes, sizeof(workspace_bytes)));
  CUDA_TRY(cublasLtMatmulPreferenceSetAttribute(handle, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                                &schemes, sizeof(schemes)));
  for (const auto& [attribute, alignment] :
       {std::pair(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignments.operands),
        std::pair(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignments.operands),
        std::pair(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignments.result),
        std::pair(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignments.result)}) {
    CUDA_TRY(
        cublasLtMatmulPreferenceSetAttribute(handle, attribute, &alignment, sizeof(alignment)));
  }
  return preference;
}

using Algorithms = std::vector<cublasLtMatmulAlgo_t>;

/// The library's choices, likely the fastest first; at most `max_algorithms`. Never timed here, so
/// that every run of a plan uses the same.
Result<Algorithms> find_algorithms(const KernelSpec& spec, const Descriptors& use,
                                   ProductUse product_use, const Alignments& alignments,
                                   int max_algorithms) {
  TRY(const Preference preference,
      preference_for(spec.scratch_bytes, alignments,
                     reduction_schemes(spec.result().element, product_use)));
  // Stands for every bias that is aligned in the same way.
  if (has_bias(use.epilogue)) TRY(set_bias(use.product.get(), alignments.result));
  std::vector<cublasLtMatmulHeuristicResult_t> found(static_cast<size_t>(max_algorithms));
  int num_found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      spec.blas, use.product.get(), use.b.get(), use.a.get(), use.result.get(), use.result.get(),
      preference.get(), max_algorithms, found.data(), &num_found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return Algorithms();
  CUDA_TRY(status);
  Algorithms algorithms;
  for (int i = 0; i < num_found; ++i) {
    const cublasLtMatmulHeuristicResult_t& result = found[static_cast<size_t>(i)];
    if (result.state == CUBLAS_STATUS_SUCCESS) algorithms.push_back(result.algo);
  }
  return algorithms;
}

Result<uint32_t> reduction_scheme_of(const cublasLtMatmulAlgo_t& algorithm) {
  uint32_t scheme = 0;
  size_t num_written = 0;
  CUDA_TRY(cublasLtMatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME,
                                                &scheme, sizeof(scheme), &num_written));
  return scheme;
}

/// The algorithm that a plan names.
Result<cublasLtMatmulAlgo_t> named_algorithm(const KernelSpec& spec, const Descriptors& use,
                                             ProductUse product_use) {
  const ProductTypes types = {.compute = compute_type(product_math(spec.attributes)),
                              .operands = data_type(spec.inputs[1].element),
                              .result = data_type(spec.result().element)};
  TRY(const cublasLtMatmulAlgo_t algorithm, parse_algorithm(spec.algorithm, spec.blas, types));
  if (has_bias(use.epilogue)) TRY(set_bias(use.product.get(), kVectorAlignment));
  TRY(const uint32_t scheme, reduction_scheme_of(algorithm));
  const uint32_t schemes = reduction_schemes(spec.result().element, product_use);
  if (scheme != CUBLASLT_REDUCTION_SCHEME_NONE && (scheme & schemes) == 0) {
    return machine_error("'" + std::string(spec.algorithm) + "' adds " +
                         (product_use == ProductUse::kUpdate
                              ? "an update to its weights in parts, which may be too small to count"
                              : "up parts of sums in 16 bits") +
                         "; measure this machine with graphprobe and compile for it");
  }
  cublasLtMatmulHeuristicResult_t checked = {};
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(spec.blas, use.product.get(), use.b.get(), use.a.get(),
                              use.result.get(), use.result.get(), &algorithm, &checked);
  const bool fits = checked.workspaceSize <= static_cast<size_t>(spec.scratch_bytes);
  if (status == CUBLAS_STATUS_SUCCESS && fits) return algorithm;
  return machine_error("cuBLASLt " + std::to_string(cublasLtGetVersion()) +
                       " cannot do this product by '" + std::string(spec.algorithm) +
                       "'; measure this machine with graphprobe and compile for it");
}

bool takes(const Matrices& matrices) {
  return std::max({matrices.num_rows, matrices.num_columns, matrices.count}) <= kMaxBlasSize;
}

Result<Descriptors> describe(const KernelSpec& spec, const TensorType& a, const TensorType& b,
                             cublasLtEpilogue_t epilogue) {
  for (const TensorType* type : {&a, &b, &spec.result()}) {
    if (takes(matrices_of(*type))) continue;
    return input_error("a product on CUDA takes at most " + std::to_string(kMaxBlasSize) +
                       " matrices, each of at most as many rows and columns; got " +
                       to_string(*type));
  }
  Descriptors use;
  use.epilogue = epilogue;
  TRY(use.product, product_of(spec, epilogue));
  TRY(use.a, layout_of(a));
  TRY(use.b, layout_of(b));
  TRY(use.result, layout_of(spec.result()));
  return use;
}

bool fit_vectors(const Operands& operands, const KernelArguments& at) {
  const auto& [a, b, c, bias] = operands;
  return are_aligned(kVectorAlignment, a, b, c, bias, at.result());
}

}  // namespace

bool PreparedProduct::takes(const Operands& operands, const KernelArguments& at) const {
  return takes_any_address() || fit_vectors(operands, at);
}

Result<void> PreparedProduct::launch(const Operands& operands, float factor, float kept,
                                     const KernelArguments& at, const CudaQueue& queue) const {
  const auto& [a, b, c, bias] = operands;
  const cublasLtMatmulAlgo_t& algorithm = fit_vectors(operands, at) ? aligned_ : *unaligned_;
  // A copy: others may launch the same product with another bias at the same time.
  cublasLtMatmulDescOpaque_t product = *use_.product;
  if (has_bias(use_.epilogue)) TRY(set_bias(&product, reinterpret_cast<uintptr_t>(bias)));
  CUDA_TRY(cublasLtMatmul(queue.blas, &product, &factor, b, use_.b.get(), a, use_.a.get(), &kept, c,
                          use_.result.get(), at.result(), use_.result.get(), &algorithm, at.scratch,
                          static_cast<size_t>(scratch_bytes_), queue.stream));
  return {};
}

Result<std::optional<PreparedProduct>> find_product(const KernelSpec& spec, const TensorType& a,
                                                    const TensorType& b,
                                                    cublasLtEpilogue_t epilogue,
                                                    ProductUse product_use) {
  TRY(Descriptors use, describe(spec, a, b, epilogue));
  TRY(const Algorithms aligned, find_algorithms(spec, use, product_use, kOfVectors, 1));
  const Alignments of_elements = {static_cast<uint32_t>(size_bytes(a.element)),
                                  static_cast<uint32_t>(size_bytes(spec.result().element))};
  TRY(const Algorithms unaligned, find_algorithms(spec, use, product_use, of_elements, 1));
  if (aligned.empty()) return std::nullopt;
  cublasLtMatmulAlgo_t chosen = aligned.front();
  if (!spec.algorithm.empty()) {
    TRY(chosen, named_algorithm(spec, use, product_use));
  }
  std::optional<cublasLtMatmulAlgo_t> otherwise;
  if (!unaligned.empty()) otherwise = unaligned.front();
  return PreparedProduct(std::move(use), chosen, otherwise, spec.scratch_bytes);
}

Result<std::vector<std::string>> algorithms_of(const KernelSpec& spec, const TensorType& a,
                                               const TensorType& b, cublasLtEpilogue_t epilogue,
                                               ProductUse product_use) {
  TRY(const Descriptors use, describe(spec, a, b, epilogue));
  TRY(const Algorithms algorithms,
      find_algorithms(spec, use, product_use, kOfVectors, kMaxAlgorithms));
  std::vector<std::string> texts;
  for (const cublasLtMatmulAlgo_t& algorithm : algorithms) {
    TRY(std::string text, algorithm_text(algorithm));
    texts.push_back(std::move(text));
  }
  return texts;
}

}  // namespace graphrt::cuda
