#pragma once

#include <cublasLt.h>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {

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

/// y = epilogue(factor a b + kept c).
struct Operands {
  const std::byte* a;
  const std::byte* b;
  const std::byte* c;               ///< may be where the result goes
  const std::byte* bias = nullptr;  ///< of an epilogue that has one
};

/// A product of cuBLASLt, ready to be launched.
class PreparedProduct {
 public:
  /// A product with its layouts, as cuBLASLt names them.
  struct Descriptors {
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    Product product;
    Layout a;
    Layout b;
    Layout result;
  };

  /// `aligned`: the algorithm for operands that vectors fit; `unaligned`: for others, if there is
  /// one.
  PreparedProduct(Descriptors use, const cublasLtMatmulAlgo_t& aligned,
                  const std::optional<cublasLtMatmulAlgo_t>& unaligned, int64_t scratch_bytes)
      : use_(std::move(use)),
        aligned_(aligned),
        unaligned_(unaligned),
        scratch_bytes_(scratch_bytes) {}

  /// Whether it takes operands and a result that no vector fits.
  bool takes_any_address() const { return unaligned_.has_value(); }
  bool takes(const Operands& operands, const KernelArguments& at) const;

  /// Into the result of `at`, with its scratch memory. Requires: it takes them.
  Result<void> launch(const Operands& operands, float factor, float kept, const KernelArguments& at,
                      const CudaQueue& queue) const;

 private:
  Descriptors use_;
  cublasLtMatmulAlgo_t aligned_;
  std::optional<cublasLtMatmulAlgo_t> unaligned_;
  int64_t scratch_bytes_;
};

/// What becomes of a product.
enum class ProductUse {
  kResult,
  /// Added to weights, at once: an algorithm that splits the sum and adds the parts to what is
  /// there one by one would lose small updates, of which each part is too small to change a weight.
  kUpdate,
};

/// The product of `a` and `b` that the operator is about. Nothing if cuBLASLt has no algorithm with
/// that epilogue. Errors: matrices larger than it takes; an algorithm of `spec` that it does not
/// have.
Result<std::optional<PreparedProduct>> find_product(const KernelSpec& spec, const TensorType& a,
                                                    const TensorType& b,
                                                    cublasLtEpilogue_t epilogue, ProductUse use);

/// The algorithms for it, as algorithm_text() writes them, the library's first choice first, where
/// operands are as aligned as buffers of a plan are.
Result<std::vector<std::string>> algorithms_of(const KernelSpec& spec, const TensorType& a,
                                               const TensorType& b, cublasLtEpilogue_t epilogue,
                                               ProductUse use);

}  // namespace graphrt::cuda
