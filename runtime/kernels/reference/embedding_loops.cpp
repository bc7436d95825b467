// Rows of a table, by their index. An index that names no row gives NaN: visible, where reading
// past the table would not be. In the gradient, which has no row for it, it adds nothing.
#include <algorithm>
#include <limits>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

bool is_row(int64_t index, const TensorType& table) { return index >= 0 && index < table.shape[0]; }

}  // namespace

void embedding(Operands inputs, const Attributes&, Results results) {
  // Of the same type, a row stays what it is: a NaN of any kind, too.
  const ElementType element = results[0].type.element;
  const bool is_kept = inputs[0]->type.element == element;
  const Tensor table = is_kept ? *inputs[0] : as_type(*inputs[0], element);
  const std::vector<int64_t> index = integers_of(*inputs[1]);
  const std::vector<double> not_a_number(static_cast<size_t>(results[0].type.num_elements()),
                                         std::numeric_limits<double>::quiet_NaN());
  put_numbers(not_a_number, results[0]);
  const size_t row_bytes = results[0].data.size() / index.size();
  for (size_t i = 0; i < index.size(); ++i) {
    if (!is_row(index[i], table.type)) continue;
    const auto from = table.data.begin() + index[i] * static_cast<std::ptrdiff_t>(row_bytes);
    std::copy_n(from, row_bytes,
                results[0].data.begin() + static_cast<std::ptrdiff_t>(i * row_bytes));
  }
}

void embedding_grad(Operands inputs, const Attributes&, Results results) {
  const std::vector<double> gradient = numbers_of(*inputs[0]);
  const std::vector<int64_t> index = integers_of(*inputs[1]);
  const size_t size = gradient.size() / index.size();
  std::vector<double> totals(static_cast<size_t>(results[0].type.num_elements()), 0);
  for (size_t i = 0; i < gradient.size(); ++i) {
    const int64_t row = index[i / size];
    if (!is_row(row, results[0].type)) continue;
    totals[static_cast<size_t>(row) * size + i % size] += gradient[i];
  }
  put_numbers(totals, results[0]);
}

}  // namespace graphrt::reference
