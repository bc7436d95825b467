#include "runtime/kernels/cpu/attention_tiles.h"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <limits>

namespace graphrt::cpu {
namespace {

constexpr float kUnseen = -std::numeric_limits<float>::infinity();

/// So many sums beside each other fit vectors of any processor.
constexpr int64_t kLanes = 16;

blasint blas_number(int64_t size) { return static_cast<blasint>(size); }

/// scores += mask, for the keys of one query.
template <class T>
void add_mask_row(const T* mask, int64_t stride, int64_t num_keys, float* scores) {
  for (int64_t i = 0; i < num_keys; ++i) {
    if constexpr (std::is_same_v<T, Bool>) {
      scores[i] = mask[i * stride].bits != 0 ? scores[i] : kUnseen;
    } else {
      const auto added = static_cast<float>(mask[i * stride]);
      scores[i] = added == kUnseen ? kUnseen : scores[i] + added;
    }
  }
}

template <class T>
void add_mask_tile(const AttentionSetup& setup, const ScoreTile& tile, const std::byte* mask,
                   float* scores) {
  const MaskStrides& strides = setup.mask_strides;
  const T* first = elements<T>(mask) + tile.batch * strides.batch + tile.head * strides.head +
                   tile.first_query * strides.query + tile.first_key * strides.key;
  for (int64_t row = 0; row < tile.num_queries; ++row) {
    add_mask_row(first + row * strides.query, strides.key, tile.num_keys,
                 scores + row * tile.num_keys);
  }
}

void add_mask(const AttentionSetup& setup, const ScoreTile& tile, const std::byte* mask,
              float* scores) {
  if (setup.mask_element == ElementType::kBool) {
    return add_mask_tile<Bool>(setup, tile, mask, scores);
  }
  with_float_type(setup.mask_element, [&](auto tag) {
    add_mask_tile<typename decltype(tag)::Type>(setup, tile, mask, scores);
  });
}

}  // namespace

Result<AttentionSetup> AttentionSetup::make(const KernelSpec& spec,
                                            const AttentionOperands& operands) {
  AttentionSetup setup(operands, attention_sizes(spec.inputs, operands, spec.attributes),
                       spec.inputs[operands.q].element);
  const AttentionSizes& sizes = setup.sizes;
  const int64_t widest = std::max(sizes.query_width, sizes.value_width);
  if (std::max(sizes.heads * widest, sizes.query_stride) > std::numeric_limits<blasint>::max()) {
    return input_error("attention on the CPU takes heads of fewer elements in all; got " +
                       std::to_string(sizes.heads) + " heads of " + std::to_string(widest));
  }
  setup.scale = attention_scale(sizes, spec.attributes);
  setup.is_causal = spec.attributes.flag("causal");
  if (spec.inputs.size() > operands.mask) {
    setup.mask_element = spec.inputs[operands.mask].element;
    setup.mask_strides = graphrt::mask_strides(spec.inputs[operands.mask].shape);
  }
  return setup;
}

int64_t AttentionSetup::end_of_keys(int64_t end_of_queries) const {
  return is_causal ? std::min(sizes.keys, end_of_queries + sizes.causal_offset()) : sizes.keys;
}

int64_t AttentionSetup::num_seen(const ScoreTile& tile, int64_t row) const {
  const int64_t end = end_of_keys(tile.first_query + row + 1) - tile.first_key;
  return std::clamp(end, int64_t{0}, tile.num_keys);
}

RowsOfHead query_rows(const AttentionSetup& setup, const ScoreTile& tile) {
  const AttentionSizes& sizes = setup.sizes;
  const int64_t row = tile.batch * sizes.queries + tile.first_query;
  return {row * sizes.query_stride + tile.head * sizes.query_width, sizes.query_stride,
          sizes.query_width, tile.num_queries};
}

RowsOfHead result_rows(const AttentionSetup& setup, const ScoreTile& tile) {
  const AttentionSizes& sizes = setup.sizes;
  const int64_t row = tile.batch * sizes.queries + tile.first_query;
  return {row * sizes.result_stride() + tile.head * sizes.value_width, sizes.result_stride(),
          sizes.value_width, tile.num_queries};
}

RowsOfHead key_rows(const AttentionSetup& setup, const ScoreTile& tile) {
  const AttentionSizes& sizes = setup.sizes;
  const int64_t row = tile.batch * sizes.keys + tile.first_key;
  const int64_t head = tile.head / sizes.heads_a_key_head();
  return {sizes.keys_at + row * sizes.key_stride + head * sizes.query_width, sizes.key_stride,
          sizes.query_width, tile.num_keys};
}

RowsOfHead value_rows(const AttentionSetup& setup, const ScoreTile& tile) {
  const AttentionSizes& sizes = setup.sizes;
  const int64_t row = tile.batch * sizes.keys + tile.first_key;
  const int64_t head = tile.head / sizes.heads_a_key_head();
  return {sizes.values_at + row * sizes.value_stride + head * sizes.value_width, sizes.value_stride,
          sizes.value_width, tile.num_keys};
}

FloatRows load_head(const std::byte* operand, ElementType element, const RowsOfHead& rows,
                    float* space) {
  if (element == ElementType::kF32) {
    return {elements<float>(operand) + rows.first_element, rows.stride};
  }
  with_float_type(element, [&](auto tag) {
    const auto* x = elements<typename decltype(tag)::Type>(operand) + rows.first_element;
    for (int64_t row = 0; row < rows.num_rows; ++row) {
      for (int64_t i = 0; i < rows.width; ++i) {
        space[row * rows.width + i] = static_cast<float>(x[row * rows.stride + i]);
      }
    }
  });
  return {space, rows.width};
}

void store_head(const FloatSums& sums, std::byte* result, ElementType element,
                const RowsOfHead& rows) {
  with_float_type(element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    T* y = elements<T>(result) + rows.first_element;
    for (int64_t row = 0; row < rows.num_rows; ++row) {
      for (int64_t i = 0; i < rows.width; ++i) {
        y[row * rows.stride + i] = narrowed<T>(sums.data[row * sums.stride + i]);
      }
    }
  });
}

void multiply_rows(const FloatRows& a, const FloatRows& b, int64_t num_rows, int64_t num_columns,
                   int64_t num_terms, float factor, float kept, const FloatSums& y) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, blas_number(num_rows),
              blas_number(num_columns), blas_number(num_terms), factor, a.data,
              blas_number(a.stride), b.data, blas_number(b.stride), kept, y.data,
              blas_number(y.stride));
}

void add_product(const FloatRows& a, const FloatRows& b, int64_t num_rows, int64_t num_columns,
                 int64_t num_terms, const FloatSums& y) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, blas_number(num_rows),
              blas_number(num_columns), blas_number(num_terms), 1.0F, a.data, blas_number(a.stride),
              b.data, blas_number(b.stride), 1.0F, y.data, blas_number(y.stride));
}

void add_transposed_product(const FloatRows& a, const FloatRows& b, int64_t num_rows,
                            int64_t num_columns, int64_t num_terms, const FloatSums& y) {
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, blas_number(num_rows),
              blas_number(num_columns), blas_number(num_terms), 1.0F, a.data, blas_number(a.stride),
              b.data, blas_number(b.stride), 1.0F, y.data, blas_number(y.stride));
}

void make_scores(const AttentionSetup& setup, const ScoreTile& tile, const FloatRows& q,
                 const FloatRows& k, const std::byte* mask, float* scores) {
  multiply_rows(q, k, tile.num_queries, tile.num_keys, setup.sizes.query_width, setup.scale, 0.0F,
                {scores, tile.num_keys});
  if (mask != nullptr) add_mask(setup, tile, mask, scores);
}

float largest_of(const float* x, int64_t size) {
  std::array<float, kLanes> lanes;
  lanes.fill(kUnseen);
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      float& largest = lanes[static_cast<size_t>(lane)];
      largest = x[i + lane] > largest ? x[i + lane] : largest;
    }
  }
  for (; i < size; ++i) lanes[0] = std::max(lanes[0], x[i]);
  return *std::max_element(lanes.begin(), lanes.end());
}

float sum_of(const float* x, int64_t size) {
  std::array<float, kLanes> lanes = {};
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[static_cast<size_t>(lane)] += x[i + lane];
  }
  float total = 0;
  for (; i < size; ++i) total += x[i];
  for (const float lane : lanes) total += lane;
  return total;
}

}  // namespace graphrt::cpu
