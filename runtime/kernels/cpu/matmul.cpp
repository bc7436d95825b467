#include <cblas.h>

#include <limits>

#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

constexpr int64_t kMaxBlasSize = std::numeric_limits<blasint>::max();

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

class MatmulKernel : public PreparedKernel {
 public:
  MatmulKernel(const Product& product, int64_t num_products)
      : product_(product), num_products_(num_products) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    const int64_t m = product_.m;
    const int64_t n = product_.n;
    const int64_t k = product_.k;
    for (int64_t i = 0; i < num_products_; ++i) {
      cblas_sgemm(CblasRowMajor, product_.transpose_a, product_.transpose_b, product_.m, product_.n,
                  product_.k, 1.0F, elements<float>(inputs[0]) + i * m * k, product_.stride_a,
                  elements<float>(inputs[1]) + i * k * n, product_.stride_b, 0.0F,
                  elements<float>(output) + i * m * n, product_.n);
    }
  }

 private:
  Product product_;
  int64_t num_products_;
};

CBLAS_TRANSPOSE blas_transpose(const Attributes& attributes, std::string_view name) {
  return attributes.flag(name) ? CblasTrans : CblasNoTrans;
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  const Shape& a = spec.inputs[0].shape;
  const Shape& b = spec.inputs[1].shape;
  for (const Shape* shape : {&a, &b}) {
    for (size_t i = shape->size() - 2; i < shape->size(); ++i) {
      if ((*shape)[i] <= kMaxBlasSize) continue;
      return input_error("matmul on the CPU takes matrices of at most " +
                         std::to_string(kMaxBlasSize) + " rows and columns; got " +
                         to_string(*shape));
    }
  }
  const Shape& y = spec.result.shape;
  const auto blas_size = [](int64_t size) { return static_cast<blasint>(size); };
  const bool transpose_a = spec.attributes.flag("transpose_a");
  const Product product{.transpose_a = blas_transpose(spec.attributes, "transpose_a"),
                        .transpose_b = blas_transpose(spec.attributes, "transpose_b"),
                        .m = blas_size(y[y.size() - 2]),
                        .n = blas_size(y[y.size() - 1]),
                        .k = blas_size(a[a.size() - (transpose_a ? 2 : 1)]),
                        .stride_a = blas_size(a.back()),
                        .stride_b = blas_size(b.back())};
  const int64_t result_elements = int64_t{product.m} * product.n;
  return std::make_unique<MatmulKernel>(product, spec.result.num_elements() / result_elements);
}

}  // namespace graphrt::cpu

namespace graphrt {

Result<void> check_openblas() {
  constexpr int kPthreadBuild = 1;
  if (openblas_get_parallel() != kPthreadBuild) {
    return machine_error(
        "this program was linked with an OpenBLAS that is not the pthread build: the serial one "
        "gives wrong results when two threads call it; link libopenblas-pthread");
  }
  if (openblas_get_num_threads() != 1) {
    return machine_error("OpenBLAS runs " + std::to_string(openblas_get_num_threads()) +
                         " threads a call instead of 1; do not call openblas_set_num_threads");
  }
  return {};
}

}  // namespace graphrt
