// Products of matrices of 16-bit elements, or that give such. OpenBLAS multiplies f32: parts of the
// operands become that in scratch memory, and a tile of sums is rounded once when it is whole.
#include <algorithm>

#include "runtime/kernels/cpu/product.h"
#include "runtime/op/product_math.h"
#include "runtime/op/product_tiles.h"

namespace graphrt::cpu {
namespace {

/// Some rows and columns of a matrix, as it is stored.
struct MatrixPart {
  int64_t row;
  int64_t column;
  int64_t num_rows;
  int64_t num_columns;

  /// Of the transposed matrix.
  MatrixPart transposed() const { return {column, row, num_columns, num_rows}; }
};

struct FloatMatrix {
  const float* elements;
  blasint stride;
};

/// A part of a matrix as f32: in place if that is what it is, else in `space`.
template <class T>
FloatMatrix load_part(const T* matrix, int64_t stride, const MatrixPart& part, float* space) {
  const T* from = matrix + part.row * stride + part.column;
  if constexpr (std::is_same_v<T, float>) {
    return {from, static_cast<blasint>(stride)};
  } else {
    float* to = space;
    for (int64_t row = 0; row < part.num_rows; ++row, from += stride, to += part.num_columns) {
      for (int64_t i = 0; i < part.num_columns; ++i) to[i] = widened(from[i]);
    }
    return {space, static_cast<blasint>(part.num_columns)};
  }
}

/// Operands are stored as T, bias and result as To.
template <class T, class To>
class NarrowMatmulKernel : public PreparedKernel {
 public:
  NarrowMatmulKernel(const KernelSpec& spec, const Product& product)
      : product_(product),
        tiles_(tiles_of_product(product.m, product.n, product.k)),
        num_products_(spec.result().num_elements() / (int64_t{product.m} * product.n)),
        alpha_(static_cast<float>(spec.attributes.number("alpha", 1))),
        has_relu_(spec.attributes.flag("relu")),
        addends_(product_addends(spec.inputs)) {}

  void run(const KernelArguments& at) const override {
    const int64_t size_of_a = int64_t{product_.m} * product_.k;
    const int64_t size_of_b = int64_t{product_.k} * product_.n;
    const int64_t size_of_result = int64_t{product_.m} * product_.n;
    const Space space = space_in(at.scratch);
    for (int64_t i = 0; i < num_products_; ++i) {
      const auto* added = addends_.matrix ? elements<To>(at.inputs[*addends_.matrix]) : nullptr;
      run_product(
          {elements<T>(at.inputs[0]) + i * size_of_a, elements<T>(at.inputs[1]) + i * size_of_b,
           addends_.bias ? elements<To>(at.inputs[*addends_.bias]) : nullptr,
           added == nullptr ? nullptr : added + i * size_of_result,
           elements<To>(at.result()) + i * size_of_result},
          space);
    }
  }

 private:
  struct Operands {
    const T* a;
    const T* b;
    const To* bias;   ///< absent: null, as the next one
    const To* added;  ///< may be where the result goes
    To* y;
  };
  /// Scratch memory, as ProductTiles says.
  struct Space {
    double* totals;
    float* sums;
    float* a;
    float* b;
  };

  Space space_in(std::byte* scratch) const {
    auto* totals = elements<double>(scratch);
    auto* sums = reinterpret_cast<float*>(totals + (tiles_.has_totals ? tiles_.num_sums() : 0));
    float* a = sums + tiles_.num_sums();
    return {totals, sums, a, a + tiles_.num_rows * tiles_.num_terms};
  }

  void run_product(const Operands& operands, const Space& space) const {
    for (int64_t column = 0; column < product_.n; column += tiles_.num_columns) {
      for (int64_t row = 0; row < product_.m; row += tiles_.num_rows) {
        const MatrixPart tile{row, column, std::min(tiles_.num_rows, product_.m - row),
                              std::min(tiles_.num_columns, product_.n - column)};
        add_up(operands, tile, space);
        finish(operands, tile, space.sums);
      }
    }
  }

  /// The sums of a tile.
  void add_up(const Operands& operands, const MatrixPart& tile, const Space& space) const {
    const int64_t size = tile.num_rows * tile.num_columns;
    if (!tiles_.has_totals) return add_terms(operands, tile, 0, product_.k, space);
    std::fill_n(space.totals, size, 0.0);
    for (int64_t first = 0; first < product_.k; first += tiles_.num_terms) {
      add_terms(operands, tile, first, std::min(tiles_.num_terms, product_.k - first), space);
      for (int64_t i = 0; i < size; ++i) space.totals[i] += space.sums[i];
    }
    for (int64_t i = 0; i < size; ++i) space.sums[i] = static_cast<float>(space.totals[i]);
  }

  /// sums = `num_terms` terms of those of a tile, from number `first` on.
  void add_terms(const Operands& operands, const MatrixPart& tile, int64_t first, int64_t num_terms,
                 const Space& space) const {
    const MatrixPart part_of_a{tile.row, first, tile.num_rows, num_terms};
    const MatrixPart part_of_b{first, tile.column, num_terms, tile.num_columns};
    const FloatMatrix a =
        load_part(operands.a, product_.stride_a,
                  product_.transpose_a == CblasTrans ? part_of_a.transposed() : part_of_a, space.a);
    // Tiles beneath each other have the same columns of b: where all terms are added up at once,
    // those that the first one loaded are there.
    const bool is_loaded = tile.row > 0 && !tiles_.has_totals && !std::is_same_v<T, float>;
    const MatrixPart stored_b =
        product_.transpose_b == CblasTrans ? part_of_b.transposed() : part_of_b;
    const FloatMatrix b = is_loaded
                              ? FloatMatrix{space.b, static_cast<blasint>(stored_b.num_columns)}
                              : load_part(operands.b, product_.stride_b, stored_b, space.b);
    multiply({.transpose_a = product_.transpose_a,
              .transpose_b = product_.transpose_b,
              .m = static_cast<blasint>(tile.num_rows),
              .n = static_cast<blasint>(tile.num_columns),
              .k = static_cast<blasint>(num_terms),
              .stride_a = a.stride,
              .stride_b = b.stride},
             1.0F, a.elements, b.elements, 0.0F, space.sums);
  }

  void finish(const Operands& operands, const MatrixPart& tile, const float* sums) const {
    for (int64_t row = 0; row < tile.num_rows; ++row, sums += tile.num_columns) {
      const int64_t start = (tile.row + row) * product_.n + tile.column;
      To* y = operands.y + start;
      const To* added = operands.added == nullptr ? nullptr : operands.added + start;
      for (int64_t i = 0; i < tile.num_columns; ++i) {
        float sum = alpha_ * sums[i];
        if (operands.bias != nullptr) sum += widened(operands.bias[tile.column + i]);
        if (added != nullptr) sum += widened(added[i]);
        // A NaN stays: training that went wrong must show.
        if (has_relu_ && sum <= 0) sum = 0;
        y[i] = To(sum);
      }
    }
  }

  Product product_;
  ProductTiles tiles_;
  int64_t num_products_;
  float alpha_;
  bool has_relu_;
  ProductAddends addends_;
};

}  // namespace

KernelResult make_narrow_matmul(const KernelSpec& spec, const Product& product) {
  return by_float(spec.inputs[0], [&](auto from) {
    return by_float(spec.result(), [&](auto to) -> KernelResult {
      using T = typename decltype(from)::Type;
      using To = typename decltype(to)::Type;
      return std::make_unique<NarrowMatmulKernel<T, To>>(spec, product);
    });
  });
}

}  // namespace graphrt::cpu
