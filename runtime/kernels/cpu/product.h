#pragma once

#include <cblas.h>

#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {

/// One product of row-major matrices, as OpenBLAS wants it.
struct Product {
  CBLAS_TRANSPOSE transpose_a;
  CBLAS_TRANSPOSE transpose_b;
  blasint m;
  blasint n;
  blasint k;
  blasint stride_a;  ///< from row to row, as stored
  blasint stride_b;
};

/// y = factor a b + kept y.
void multiply(const Product& product, float factor, const float* a, const float* b, float kept,
              float* y);

/// The product `a` `b` that the operator is about.
/// Errors: a matrix that OpenBLAS has no number for the rows or columns of.
Result<Product> product_of(const KernelSpec& spec, const Shape& a, const Shape& b);

/// Matrices that are not all of f32. Requires: the operator is matmul.
KernelResult make_narrow_matmul(const KernelSpec& spec, const Product& product);

}  // namespace graphrt::cpu
