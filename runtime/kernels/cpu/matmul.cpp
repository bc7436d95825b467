#include <cblas.h>

#include <cstring>
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

/// y = factor a b + kept y.
void multiply(const Product& product, float factor, const float* a, const float* b, float kept,
              float* y) {
  cblas_sgemm(CblasRowMajor, product.transpose_a, product.transpose_b, product.m, product.n,
              product.k, factor, a, product.stride_a, b, product.stride_b, kept, y, product.n);
}

/// What happens to a product once it is there.
enum class Epilogue { kNone, kRelu, kBias, kBiasAndRelu };

// A NaN stays: training that went wrong must show.
float relu(float x) { return x <= 0 ? 0.0F : x; }

void finish_row(Epilogue epilogue, const float* bias, int64_t size, float* y) {
  switch (epilogue) {
    case Epilogue::kNone:
      return;
    case Epilogue::kRelu:
      for (int64_t i = 0; i < size; ++i) y[i] = relu(y[i]);
      return;
    case Epilogue::kBias:
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] += bias[i];
      return;
    case Epilogue::kBiasAndRelu:
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = relu(y[i] + bias[i]);
      return;
  }
}

class MatmulKernel : public PreparedKernel {
 public:
  MatmulKernel(const Product& product, int64_t num_products, Epilogue epilogue)
      : product_(product), num_products_(num_products), epilogue_(epilogue) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    const int64_t m = product_.m;
    const int64_t n = product_.n;
    const int64_t k = product_.k;
    auto* y = elements<float>(output);
    for (int64_t i = 0; i < num_products_; ++i) {
      multiply(product_, 1.0F, elements<float>(inputs[0]) + i * m * k,
               elements<float>(inputs[1]) + i * k * n, 0.0F, y + i * m * n);
    }
    if (epilogue_ == Epilogue::kNone) return;
    const auto* bias = elements<float>(inputs.back());  // not read by a relu alone
    for (int64_t row = 0; row < num_products_ * m; ++row) {
      finish_row(epilogue_, bias, n, y + row * n);
    }
  }

 private:
  Product product_;
  int64_t num_products_;
  Epilogue epilogue_;
};

/// w - learning_rate a b, in place if the result lies where w does.
class MatmulUpdateKernel : public PreparedKernel {
 public:
  MatmulUpdateKernel(const Product& product, float learning_rate)
      : product_(product), learning_rate_(learning_rate) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    if (inputs[0] != output) {
      const auto num_elements = static_cast<size_t>(int64_t{product_.m} * product_.n);
      std::memcpy(output, inputs[0], num_elements * sizeof(float));
    }
    multiply(product_, -learning_rate_, elements<float>(inputs[1]), elements<float>(inputs[2]),
             1.0F, elements<float>(output));
  }

 private:
  Product product_;
  float learning_rate_;
};

CBLAS_TRANSPOSE blas_transpose(const Attributes& attributes, std::string_view name) {
  return attributes.flag(name) ? CblasTrans : CblasNoTrans;
}

/// The product `a` `b` that the operator is about.
Result<Product> product_of(const KernelSpec& spec, const Shape& a, const Shape& b) {
  for (const Shape* shape : {&a, &b}) {
    for (size_t i = shape->size() - 2; i < shape->size(); ++i) {
      if ((*shape)[i] <= kMaxBlasSize) continue;
      return input_error("a product on the CPU takes matrices of at most " +
                         std::to_string(kMaxBlasSize) + " rows and columns; got " +
                         to_string(*shape));
    }
  }
  const Shape& y = spec.result.shape;
  const auto blas_size = [](int64_t size) { return static_cast<blasint>(size); };
  const bool transpose_a = spec.attributes.flag("transpose_a");
  return Product{.transpose_a = blas_transpose(spec.attributes, "transpose_a"),
                 .transpose_b = blas_transpose(spec.attributes, "transpose_b"),
                 .m = blas_size(y[y.size() - 2]),
                 .n = blas_size(y[y.size() - 1]),
                 .k = blas_size(a[a.size() - (transpose_a ? 2 : 1)]),
                 .stride_a = blas_size(a.back()),
                 .stride_b = blas_size(b.back())};
}

Epilogue epilogue_of(const KernelSpec& spec) {
  const bool has_relu = spec.attributes.flag("relu");
  if (spec.inputs.size() == 3) return has_relu ? Epilogue::kBiasAndRelu : Epilogue::kBias;
  return has_relu ? Epilogue::kRelu : Epilogue::kNone;
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  TRY(const Product product, product_of(spec, spec.inputs[0].shape, spec.inputs[1].shape));
  const int64_t result_elements = int64_t{product.m} * product.n;
  return std::make_unique<MatmulKernel>(product, spec.result.num_elements() / result_elements,
                                        epilogue_of(spec));
}

KernelResult prepare_matmul_sgd_update(const KernelSpec& spec) {
  TRY(const Product product, product_of(spec, spec.inputs[1].shape, spec.inputs[2].shape));
  const auto learning_rate = static_cast<float>(spec.attributes.number("learning_rate", 0));
  return std::make_unique<MatmulUpdateKernel>(product, learning_rate);
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
