#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "runtime/kernels/cpu/product.h"
#include "runtime/op/product_math.h"
#include "runtime/op/product_tiles.h"

namespace graphrt::cpu {
namespace {

constexpr int64_t kMaxBlasSize = std::numeric_limits<blasint>::max();

CBLAS_TRANSPOSE blas_transpose(const Attributes& attributes, std::string_view name) {
  return attributes.flag(name) ? CblasTrans : CblasNoTrans;
}

}  // namespace

void multiply(const Product& product, float factor, const float* a, const float* b, float kept,
              float* y) {
  cblas_sgemm(CblasRowMajor, product.transpose_a, product.transpose_b, product.m, product.n,
              product.k, factor, a, product.stride_a, b, product.stride_b, kept, y, product.n);
}

Result<Product> product_of(const KernelSpec& spec, const Shape& a, const Shape& b) {
  for (const Shape* shape : {&a, &b}) {
    for (size_t i = shape->size() - 2; i < shape->size(); ++i) {
      if ((*shape)[i] <= kMaxBlasSize) continue;
      return input_error("a product on the CPU takes matrices of at most " +
                         std::to_string(kMaxBlasSize) + " rows and columns; got " +
                         to_string(*shape));
    }
  }
  const Shape& y = spec.result().shape;
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

namespace {

// OpenBLAS keeps its sums in f32: all terms of a small product one after the other, those of a
// large one in blocks that it adds up in the result. So where there are many terms, it is given
// some of them at a time, and the totals are added up in double; and where the result is not the
// sum alone, the sum is made apart. Both need scratch memory for a tile of the result, which is on
// the stack: kernels allocate nothing.

/// A large tile is summed in blocks of some hundred terms anyway, so OpenBLAS gets kTermsAtOnce; for a
/// small one all terms follow one another.
constexpr int64_t kTermsAtOnceOfSmallTile = 256;
constexpr int64_t kMaxInSmallTile = 4096;
/// OpenBLAS adds no part of so short a sum to the result before the others: its smallest block.
constexpr int64_t kTermsOfOneBlock = 240;

/// Tiles are large: operands are packed anew for each of them.
constexpr int64_t kMaxInTile = int64_t{512} * 512;
constexpr int64_t kMaxInTileOfTotals = int64_t{256} * 256;

/// Rows and columns of a product, as those of a matrix by itself.
struct ProductTile {
  int64_t row;
  int64_t column;
  int64_t num_rows;
  int64_t num_columns;

  int64_t num_elements() const { return num_rows * num_columns; }
};

/// 1 MiB.
union TileScratch {
  std::array<float, kMaxInTile> sums;
  struct {
    std::array<float, kMaxInTileOfTotals> sums;
    std::array<double, kMaxInTileOfTotals> totals;
  } of_many_terms;
};

/// part = `num_terms` terms of the sums of a tile, from number `first` on.
void multiply_tile(const Product& product, const ProductTile& tile, int64_t first,
                   int64_t num_terms, const float* a, const float* b, float* part) {
  const bool transpose_a = product.transpose_a == CblasTrans;
  const bool transpose_b = product.transpose_b == CblasTrans;
  a += transpose_a ? first * product.stride_a + tile.row : tile.row * product.stride_a + first;
  b +=
      transpose_b ? tile.column * product.stride_b + first : first * product.stride_b + tile.column;
  Product own = product;
  own.m = static_cast<blasint>(tile.num_rows);
  own.n = static_cast<blasint>(tile.num_columns);
  own.k = static_cast<blasint>(num_terms);
  multiply(own, 1.0F, a, b, 0.0F, part);
}

/// The sums of a tile, in `scratch`.
const float* sums_of_tile(const Product& product, const ProductTile& tile, const float* a,
                          const float* b, TileScratch& scratch) {
  if (product.k <= kMaxTermsInF32) {
    float* sums = scratch.sums.data();
    multiply_tile(product, tile, 0, product.k, a, b, sums);
    return sums;
  }
  float* sums = scratch.of_many_terms.sums.data();
  double* totals = scratch.of_many_terms.totals.data();
  const int64_t size = tile.num_elements();
  const int64_t most_terms = size <= kMaxInSmallTile ? kTermsAtOnceOfSmallTile : kTermsAtOnce;
  std::fill_n(totals, size, 0.0);
  for (int64_t first = 0; first < product.k; first += most_terms) {
    const int64_t num_terms = std::min(most_terms, product.k - first);
    multiply_tile(product, tile, first, num_terms, a, b, sums);
    for (int64_t i = 0; i < size; ++i) totals[i] += sums[i];
  }
  for (int64_t i = 0; i < size; ++i) sums[i] = static_cast<float>(totals[i]);
  return sums;
}

/// finish(sums, at, size) for pieces of rows of the product a b: `size` sums, of which the first
/// is element number `at` of the result.
template <class Finish>
void for_each_piece(const Product& product, const float* a, const float* b, Finish finish) {
  TileScratch scratch;
  const int64_t most = product.k <= kMaxTermsInF32 ? kMaxInTile : kMaxInTileOfTotals;
  const int64_t side = product.k <= kMaxTermsInF32 ? 512 : 256;
  const int64_t m = product.m;
  const int64_t n = product.n;
  const int64_t most_columns = std::min(n, most / std::min(m, side));
  const int64_t most_rows = std::min(m, most / most_columns);
  for (int64_t row = 0; row < m; row += most_rows) {
    for (int64_t column = 0; column < n; column += most_columns) {
      const ProductTile tile{row, column, std::min(most_rows, m - row),
                             std::min(most_columns, n - column)};
      const float* sums = sums_of_tile(product, tile, a, b, scratch);
      for (int64_t i = 0; i < tile.num_rows; ++i) {
        finish(sums + i * tile.num_columns, (row + i) * n + column, tile.num_columns);
      }
    }
  }
}

/// y = factor a b.
void multiply_whole(const Product& product, float factor, const float* a, const float* b,
                    float* y) {
  if (product.k <= kMaxTermsInF32) return multiply(product, factor, a, b, 0.0F, y);
  for_each_piece(product, a, b, [factor, y](const float* sums, int64_t at, int64_t size) {
    for (int64_t i = 0; i < size; ++i) y[at + i] = factor * sums[i];
  });
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
  MatmulKernel(const Product& product, float alpha, int64_t num_products, Epilogue epilogue)
      : product_(product), alpha_(alpha), num_products_(num_products), epilogue_(epilogue) {}

  void run(const KernelArguments& at) const override {
    const int64_t m = product_.m;
    const int64_t n = product_.n;
    const int64_t k = product_.k;
    auto* y = elements<float>(at.result());
    for (int64_t i = 0; i < num_products_; ++i) {
      multiply_whole(product_, alpha_, elements<float>(at.inputs[0]) + i * m * k,
                     elements<float>(at.inputs[1]) + i * k * n, y + i * m * n);
    }
    if (epilogue_ == Epilogue::kNone) return;
    const auto* bias = elements<float>(at.inputs.back());  // not read by a relu alone
    for (int64_t row = 0; row < num_products_ * m; ++row) {
      finish_row(epilogue_, bias, n, y + row * n);
    }
  }

 private:
  Product product_;
  float alpha_;
  int64_t num_products_;
  Epilogue epilogue_;
};

/// A product that is added to a matrix, in place if the result lies there.
class MatmulAndAddKernel : public PreparedKernel {
 public:
  MatmulAndAddKernel(const KernelSpec& spec, const Product& product)
      : product_(product),
        addends_(product_addends(spec.inputs)),
        alpha_(static_cast<float>(spec.attributes.number("alpha", 1))),
        num_products_(spec.result().num_elements() / (int64_t{product.m} * product.n)),
        has_relu_(spec.attributes.flag("relu")) {}

  void run(const KernelArguments& at) const override {
    const int64_t m = product_.m;
    const int64_t n = product_.n;
    const int64_t k = product_.k;
    const float* bias = addends_.bias ? elements<float>(at.inputs[*addends_.bias]) : nullptr;
    for (int64_t i = 0; i < num_products_; ++i) {
      const float* added = elements<float>(at.inputs[*addends_.matrix]) + i * m * n;
      float* y = elements<float>(at.result()) + i * m * n;
      for_each_piece(product_, elements<float>(at.inputs[0]) + i * m * k,
                     elements<float>(at.inputs[1]) + i * k * n,
                     [&](const float* sums, int64_t first, int64_t size) {
                       const float* row = bias == nullptr ? nullptr : bias + first % n;
                       finish_piece(sums, row, added + first, size, y + first);
                     });
    }
  }

 private:
  void finish_piece(const float* sums, const float* bias, const float* added, int64_t size,
                    float* y) const {
    if (bias == nullptr) {
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = alpha_ * sums[i] + added[i];
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < size; ++i) y[i] = alpha_ * sums[i] + bias[i] + added[i];
    }
    if (!has_relu_) return;
    for (int64_t i = 0; i < size; ++i) y[i] = relu(y[i]);
  }

  Product product_;
  ProductAddends addends_;
  float alpha_;
  int64_t num_products_;
  bool has_relu_;
};

/// w - learning_rate a b, in place if the result lies where w does. The sums are whole before a
/// weight sees them: parts of a small update, each too small to change the weight, would be lost.
class MatmulUpdateKernel : public PreparedKernel {
 public:
  MatmulUpdateKernel(const Product& product, float learning_rate)
      : product_(product), learning_rate_(learning_rate) {}

  void run(const KernelArguments& at) const override {
    if (product_.k <= kTermsOfOneBlock) return run_at_once(at);
    const auto* w = elements<float>(at.inputs[0]);
    auto* y = elements<float>(at.result());
    for_each_piece(product_, elements<float>(at.inputs[1]), elements<float>(at.inputs[2]),
                   [this, w, y](const float* sums, int64_t first, int64_t size) {
#pragma GCC ivdep
                     for (int64_t i = 0; i < size; ++i) {
                       y[first + i] = w[first + i] - learning_rate_ * sums[i];
                     }
                   });
  }

 private:
  void run_at_once(const KernelArguments& at) const {
    if (at.inputs[0] != at.result()) {
      const auto num_elements = static_cast<size_t>(int64_t{product_.m} * product_.n);
      std::memcpy(at.result(), at.inputs[0], num_elements * sizeof(float));
    }
    multiply(product_, -learning_rate_, elements<float>(at.inputs[1]),
             elements<float>(at.inputs[2]), 1.0F, elements<float>(at.result()));
  }

  Product product_;
  float learning_rate_;
};

Epilogue epilogue_of(const KernelSpec& spec) {
  const bool has_relu = spec.attributes.flag("relu");
  if (spec.inputs.size() == 3) return has_relu ? Epilogue::kBiasAndRelu : Epilogue::kBias;
  return has_relu ? Epilogue::kRelu : Epilogue::kNone;
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  TRY(const Product product, product_of(spec, spec.inputs[0].shape, spec.inputs[1].shape));
  const auto is_f32 = [](const TensorType& type) { return type.element == ElementType::kF32; };
  if (!is_f32(spec.inputs[0]) || !is_f32(spec.result())) return make_narrow_matmul(spec, product);
  if (product_addends(spec.inputs).matrix) {
    return std::make_unique<MatmulAndAddKernel>(spec, product);
  }
  const int64_t result_elements = int64_t{product.m} * product.n;
  const auto alpha = static_cast<float>(spec.attributes.number("alpha", 1));
  return std::make_unique<MatmulKernel>(
      product, alpha, spec.result().num_elements() / result_elements, epilogue_of(spec));
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
