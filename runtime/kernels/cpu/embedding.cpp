// Rows of a table, by their index, and the sums of rows that go back into it.
#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "runtime/kernels/cpu/prepare.h"
#include "runtime/op/embedding_sums.h"

namespace graphrt::cpu {
namespace {

struct Table {
  int64_t num_rows;
  int64_t row_size;

  bool has_row(int64_t index) const { return index >= 0 && index < num_rows; }
};

/// An index that names no row makes its part of the result NaN: visible, where reading past the
/// table would not be. Rows are stored as T, and become To.
template <class T, class To, class Index>
class EmbeddingKernel : public PreparedKernel {
 public:
  EmbeddingKernel(const Table& table, int64_t num_indices)
      : table_(table), num_indices_(num_indices) {}

  void run(const KernelArguments& at) const override {
    const auto* rows = elements<T>(at.inputs[0]);
    const auto* index = elements<Index>(at.inputs[1]);
    auto* y = elements<To>(at.result());
    for (int64_t i = 0; i < num_indices_; ++i, y += table_.row_size) {
      if (!table_.has_row(index[i])) {
        std::fill_n(y, table_.row_size, To(std::numeric_limits<float>::quiet_NaN()));
        continue;
      }
      copy_row(rows + index[i] * table_.row_size, y);
    }
  }

 private:
  void copy_row(const T* row, To* y) const {
    if constexpr (std::is_same_v<T, To>) {
      std::copy_n(row, table_.row_size, y);
    } else {
      for (int64_t i = 0; i < table_.row_size; ++i) y[i] = To(widened(row[i]));
    }
  }

  Table table_;
  int64_t num_indices_;
};

/// Neighbouring indices, those of the same row of the table linked in their order. An index that
/// names no row is left out.
template <class Index>
class RowChains {
 public:
  static constexpr int64_t kMaxIndices = kIndicesPerRounding;
  static constexpr int32_t kNone = -1;

  /// Requires: 1 to kMaxIndices of them.
  void link(const Table& table, const Index* index, int64_t num_indices) {
    num_bits_ = static_cast<int>(std::bit_width(static_cast<uint64_t>(2 * num_indices - 1)));
    std::fill_n(slots_.begin(), size_t{1} << num_bits_, kNone);
    num_chains_ = 0;
    for (int32_t i = 0; i < num_indices; ++i) {
      next_[at(i)] = kNone;
      if (!table.has_row(index[i])) continue;
      int32_t& chain = find_slot(index, index[i]);
      if (chain == kNone) {
        chain = num_chains_++;
        first_[at(chain)] = i;
      } else {
        next_[at(last_[at(chain)])] = i;
      }
      last_[at(chain)] = i;
    }
  }

  int32_t num_chains() const { return num_chains_; }
  int32_t first(int32_t chain) const { return first_[at(chain)]; }
  /// kNone behind the last.
  int32_t next(int32_t i) const { return next_[at(i)]; }

 private:
  static size_t at(int32_t i) { return static_cast<size_t>(i); }

  /// That of the row's chain, or the free one where it belongs.
  int32_t& find_slot(const Index* index, Index row) {
    constexpr uint32_t kGoldenRatio = 2654435769;
    const size_t mask = (size_t{1} << num_bits_) - 1;
    size_t slot = (static_cast<uint32_t>(row) * kGoldenRatio) >> (32 - num_bits_);
    while (slots_[slot] != kNone && index[first(slots_[slot])] != row) slot = (slot + 1) & mask;
    return slots_[slot];
  }

  /// To a chain. Twice as many as indices, at least: a search for a row soon ends at a free one.
  std::array<int32_t, 2 * kMaxIndices> slots_;
  std::array<int32_t, kMaxIndices> first_;
  std::array<int32_t, kMaxIndices> last_;
  std::array<int32_t, kMaxIndices> next_;
  int32_t num_chains_ = 0;
  int num_bits_ = 1;  ///< of the number of a slot
};

/// Rows are added up in the order of their indices, in double, and rounded after every block of
/// indices: a row that a million of them name keeps its digits. An index that names no row adds
/// nothing. The gradient is stored as T.
template <class T, class Index>
class EmbeddingGradKernel : public PreparedKernel {
 public:
  EmbeddingGradKernel(const Table& table, int64_t num_indices)
      : table_(table), num_indices_(num_indices) {}

  void run(const KernelArguments& at) const override {
    const auto* gradient = elements<T>(at.inputs[0]);
    const auto* index = elements<Index>(at.inputs[1]);
    auto* y = elements<float>(at.result());
    std::fill_n(y, table_.num_rows * table_.row_size, 0.0F);
    Chains chains;
    for (int64_t begin = 0; begin < num_indices_; begin += Chains::kMaxIndices) {
      const int64_t size = std::min(Chains::kMaxIndices, num_indices_ - begin);
      chains.link(table_, index + begin, size);
      for (int32_t chain = 0; chain < chains.num_chains(); ++chain) {
        const int32_t first = chains.first(chain);
        add_chain(chains, first, gradient + begin * table_.row_size,
                  y + index[begin + first] * table_.row_size);
      }
    }
  }

 private:
  using Chains = RowChains<Index>;
  static constexpr int64_t kColumnsAtOnce = 512;

  /// y += the rows of the gradient in the chain that begins with number `first`.
  void add_chain(const Chains& chains, int32_t first, const T* gradient, float* y) const {
    std::array<double, kColumnsAtOnce> totals;
    for (int64_t begin = 0; begin < table_.row_size; begin += kColumnsAtOnce) {
      const auto size = static_cast<size_t>(std::min(kColumnsAtOnce, table_.row_size - begin));
      for (size_t j = 0; j < size; ++j) totals[j] = y[begin + static_cast<int64_t>(j)];
      for (int32_t i = first; i != Chains::kNone; i = chains.next(i)) {
        const T* row = gradient + i * table_.row_size + begin;
        for (size_t j = 0; j < size; ++j) totals[j] += widened(row[j]);
      }
      for (size_t j = 0; j < size; ++j) {
        y[begin + static_cast<int64_t>(j)] = static_cast<float>(totals[j]);
      }
    }
  }

  Table table_;
  int64_t num_indices_;
};

/// The same for results of 16 bits, which hold no sum on the way: the totals of a part of the table
/// after the other are kept in scratch memory, and rounded once.
template <class T, class To, class Index>
class NarrowEmbeddingGradKernel : public PreparedKernel {
 public:
  NarrowEmbeddingGradKernel(const Table& table, int64_t num_indices)
      : table_(table),
        part_(part_of_embedding_totals(table.num_rows, table.row_size)),
        num_indices_(num_indices) {}

  void run(const KernelArguments& at) const override {
    auto* totals = elements<double>(at.scratch);
    for (int64_t row = 0; row < table_.num_rows; row += part_.num_rows) {
      for (int64_t column = 0; column < table_.row_size; column += part_.num_columns) {
        run_part(at, row, column, totals);
      }
    }
  }

 private:
  void run_part(const KernelArguments& at, int64_t first_row, int64_t first_column,
                double* totals) const {
    const auto* gradient = elements<T>(at.inputs[0]) + first_column;
    const auto* index = elements<Index>(at.inputs[1]);
    auto* y = elements<To>(at.result()) + first_row * table_.row_size + first_column;
    const int64_t num_rows = std::min(part_.num_rows, table_.num_rows - first_row);
    const int64_t num_columns = std::min(part_.num_columns, table_.row_size - first_column);
    std::fill_n(totals, num_rows * num_columns, 0.0);
    for (int64_t i = 0; i < num_indices_; ++i) {
      if (index[i] < first_row || index[i] - first_row >= num_rows) continue;
      const T* terms = gradient + i * table_.row_size;
      double* sums = totals + (index[i] - first_row) * num_columns;
      for (int64_t j = 0; j < num_columns; ++j) sums[j] += widened(terms[j]);
    }
    for (int64_t row = 0; row < num_rows; ++row) {
      for (int64_t j = 0; j < num_columns; ++j) {
        y[row * table_.row_size + j] = narrowed<To>(totals[row * num_columns + j]);
      }
    }
  }

  Table table_;
  EmbeddingTotals part_;
  int64_t num_indices_;
};

template <class T, class To, class Index>
KernelResult make_embedding_grad(const Table& table, int64_t num_indices) {
  if constexpr (std::is_same_v<To, float>) {
    return std::make_unique<EmbeddingGradKernel<T, Index>>(table, num_indices);
  } else {
    return std::make_unique<NarrowEmbeddingGradKernel<T, To, Index>>(table, num_indices);
  }
}

/// make(TypeTag<T>(), TypeTag<To>(), TypeTag<Index>()) for rows of T that become To.
template <class Make>
KernelResult by_types_of_rows(const KernelSpec& spec, const Make& make) {
  return by_float(spec.inputs[0], [&](auto from) {
    return by_float(spec.result(), [&](auto to) {
      return by_index(spec.inputs[1], [&](auto index) { return make(from, to, index); });
    });
  });
}

Table table_of(const TensorType& type) { return {type.shape[0], type.shape[1]}; }

}  // namespace

KernelResult prepare_embedding(const KernelSpec& spec) {
  return by_types_of_rows(spec, [&](auto from, auto to, auto index) -> KernelResult {
    using Kernel = EmbeddingKernel<typename decltype(from)::Type, typename decltype(to)::Type,
                                   typename decltype(index)::Type>;
    return std::make_unique<Kernel>(table_of(spec.inputs[0]), spec.inputs[1].num_elements());
  });
}

KernelResult prepare_embedding_grad(const KernelSpec& spec) {
  return by_types_of_rows(spec, [&](auto from, auto to, auto index) {
    return make_embedding_grad<typename decltype(from)::Type, typename decltype(to)::Type,
                               typename decltype(index)::Type>(table_of(spec.result()),
                                                               spec.inputs[1].num_elements());
  });
}

}  // namespace graphrt::cpu
