// What cuBLASLt does not do behind a product whose result has another type than its operands.
#include "runtime/kernels/cuda/product_results.h"

#include "runtime/kernels/cuda/device_types.cuh"
#include "runtime/kernels/cuda/walk.cuh"

namespace graphrt::cuda {
namespace {

template <class T>
__global__ void finish_products(const float* product, const T* bias, const T* matrix, bool has_relu,
                                T* y, int64_t num_elements, int64_t num_columns) {
  const int64_t i = thread_number();
  if (i >= num_elements) return;
  float element = product[i];
  if (bias != nullptr) element += widened(bias[i % num_columns]);
  if (matrix != nullptr) element += widened(matrix[i]);
  // A NaN stays.
  if (has_relu && element < 0) element = 0;
  y[i] = narrowed<T>(element);
}

}  // namespace

Result<void> launch_product_result(const ProductResult& form, const ProductTerms& terms,
                                   std::byte* y, const CudaQueue& queue) {
  return with_device_float(form.element, [&](auto tag) -> Result<void> {
    using T = typename decltype(tag)::Type;
    finish_products<<<num_blocks_for(form.num_elements), kThreadsPerBlock, 0, queue.stream>>>(
        elements<float>(terms.product), elements<T>(terms.bias), elements<T>(terms.matrix),
        form.has_relu, elements<T>(y), form.num_elements, form.num_columns);
    CUDA_TRY(cudaGetLastError());
    return {};
  });
}

}  // namespace graphrt::cuda
