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

/// The result = relu(product + bias) in the element type, rounded once; without a bias where it is
/// null.
Result<void> launch_product_result(const ProductResult& form, const std::byte* product,
                                   const std::byte* bias, std::byte* y, const CudaQueue& queue);

}  // namespace graphrt::cuda
