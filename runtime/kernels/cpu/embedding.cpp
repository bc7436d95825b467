// Rows of a table, by their index, and the sums of rows that go back into it.
#include <algorithm>
#include <limits>

#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

struct Table {
  int64_t num_rows;
  int64_t row_size;

  bool has_row(int32_t index) const { return index >= 0 && index < num_rows; }
};

/// An index that names no row makes its part of the result NaN: visible, where reading past the
/// table would not be.
class EmbeddingKernel : public PreparedKernel {
 public:
  EmbeddingKernel(const Table& table, int64_t num_indices)
      : table_(table), num_indices_(num_indices) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    const auto* rows = elements<float>(inputs[0]);
    const auto* index = elements<int32_t>(inputs[1]);
    auto* y = elements<float>(output);
    for (int64_t i = 0; i < num_indices_; ++i, y += table_.row_size) {
      if (!table_.has_row(index[i])) {
        std::fill_n(y, table_.row_size, std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      std::copy_n(rows + index[i] * table_.row_size, table_.row_size, y);
    }
  }

 private:
  Table table_;
  int64_t num_indices_;
};

/// Rows are added up in the order of their indices, in f32: every back end gives these bits. An
/// index that names no row adds nothing.
class EmbeddingGradKernel : public PreparedKernel {
 public:
  EmbeddingGradKernel(const Table& table, int64_t num_indices)
      : table_(table), num_indices_(num_indices) {}

  void run(std::span<const std::byte* const> inputs, std::byte* output) const override {
    const auto* gradient = elements<float>(inputs[0]);
    const auto* index = elements<int32_t>(inputs[1]);
    auto* y = elements<float>(output);
    std::fill_n(y, table_.num_rows * table_.row_size, 0.0F);
    for (int64_t i = 0; i < num_indices_; ++i, gradient += table_.row_size) {
      if (!table_.has_row(index[i])) continue;
      float* row = y + index[i] * table_.row_size;
      for (int64_t j = 0; j < table_.row_size; ++j) row[j] += gradient[j];
    }
  }

 private:
  Table table_;
  int64_t num_indices_;
};

Table table_of(const TensorType& type) { return {type.shape[0], type.shape[1]}; }

}  // namespace

KernelResult prepare_embedding(const KernelSpec& spec) {
  return std::make_unique<EmbeddingKernel>(table_of(spec.inputs[0]), spec.inputs[1].num_elements());
}

KernelResult prepare_embedding_grad(const KernelSpec& spec) {
  return std::make_unique<EmbeddingGradKernel>(table_of(spec.result),
                                               spec.inputs[1].num_elements());
}

}  // namespace graphrt::cpu
