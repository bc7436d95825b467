// Rows of a table, by their index. An index that names no row gives NaN: visible, where reading
// past the table would not be. In the gradient, which has no row for it, it adds nothing.
#include <limits>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

bool is_row(int32_t index, const TensorType& table) { return index >= 0 && index < table.shape[0]; }

}  // namespace

void embedding(Operands inputs, const Attributes&, Results results) {
  const auto table = inputs[0]->as<float>();
  const auto index = inputs[1]->as<int32_t>();
  const auto y = results[0].as<float>();
  const size_t size = y.size() / index.size();
  for (size_t i = 0; i < y.size(); ++i) {
    const int32_t row = index[i / size];
    y[i] = is_row(row, inputs[0]->type) ? table[static_cast<size_t>(row) * size + i % size]
                                        : std::numeric_limits<float>::quiet_NaN();
  }
}

void embedding_grad(Operands inputs, const Attributes&, Results results) {
  const auto gradient = inputs[0]->as<float>();
  const auto index = inputs[1]->as<int32_t>();
  const auto y = results[0].as<float>();
  const size_t size = gradient.size() / index.size();
  std::vector<double> totals(y.size(), 0);
  for (size_t i = 0; i < gradient.size(); ++i) {
    const int32_t row = index[i / size];
    if (!is_row(row, results[0].type)) continue;
    totals[static_cast<size_t>(row) * size + i % size] += gradient[i];
  }
  for (size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(totals[i]);
}

}  // namespace graphrt::reference
