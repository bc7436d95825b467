#pragma once

#include <memory>
#include <span>

#include "runtime/base/element.h"
#include "runtime/kernels/cuda/cuda_error.h"
#include "runtime/kernels/cuda/cuda_kernels.h"
#include "runtime/op/scratch_rules.h"

namespace graphrt::cuda {

/// What a kernel is made for. Requires: the type rules give `results` for these operands, and no
/// tensor has more than kMaxElements.
struct KernelSpec {
  std::span<const TensorType> inputs;
  std::span<const TensorType> results;
  const Attributes& attributes;
  cublasLtHandle_t blas;
  int64_t scratch_bytes = 0;        ///< what a launch gets
  std::string_view algorithm = {};  ///< empty: the first that the library names

  /// The first result.
  const TensorType& result() const { return results[0]; }
};

/// 256 GiB. Keeps the number of blocks of every launch below CUDA's limit of 2^31 - 1.
inline constexpr int64_t kMaxElements = int64_t{1} << 36;

using KernelResult = Result<std::unique_ptr<const CudaKernel>>;
using Prepare = KernelResult (*)(const KernelSpec& spec);

// One for every operator, in the file of its kind.
#define GRAPHC_OPERATOR(name) KernelResult prepare_##name(const KernelSpec& spec);
#include "runtime/op/operators.def"

/// What else prepare_matmul and prepare_matmul_sgd_update could be told to use, the library's own
/// choice first.
Result<std::vector<std::string>> matmul_algorithms(const KernelSpec& spec);
Result<std::vector<std::string>> matmul_sgd_update_algorithms(const KernelSpec& spec);

/// The bytes of an operand or a result as elements.
template <class T>
const T* elements(const std::byte* bytes) {
  return reinterpret_cast<const T*>(bytes);
}
template <class T>
T* elements(std::byte* bytes) {
  return reinterpret_cast<T*>(bytes);
}

/// make(TypeTag<Element>()) for elements of the result's size.
template <class Make>
KernelResult by_size(const KernelSpec& spec, const Make& make) {
  switch (size_bytes(spec.result().element)) {
    case 1:
      return make(TypeTag<uint8_t>());
    case 2:
      return make(TypeTag<uint16_t>());
    case 4:
      return make(TypeTag<uint32_t>());
    case 8:
      return make(TypeTag<uint64_t>());
    default:
      no_such_element(spec.result().element);
  }
}

/// Whether all addresses are multiples of `alignment`.
template <class... Pointers>
bool are_aligned(size_t alignment, Pointers... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % alignment == 0) && ...);
}

}  // namespace graphrt::cuda
