#pragma once

#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {

/// What becomes of a product of matrices that cuBLASLt wrote as f32.
struct ProductResult {
  ElementType element;  ///< of the result and of a bias
  int64_t num_elements;
  int64_t num_columns;
  bool has_relu;

  int64_t product_bytes() const { return bytes_of_wide_product(num_elements); }
};

/// What is added up; null where it is absent.
struct ProductTerms {
  const std::byte* product;  ///< f32
  const std::byte* bias;
  const std::byte* matrix;  ///< may be where the result goes
};

/// The result = relu(product + bias + matrix) in the element type, rounded once.
Result<void> launch_product_result(const ProductResult& form, const ProductTerms& terms,
                                   std::byte* y, const CudaQueue& queue);

}  // namespace graphrt::cuda
