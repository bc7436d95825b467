#include "runtime/op/row_rules.h"

namespace graphrt {
namespace {

bool has_rows_of(const TensorType& input, const TensorType& result) {
  return input.rank() == result.rank() && input.shape[0] == result.shape[0];
}

}  // namespace

std::vector<RowUse> rows_of_elementwise(std::span<const TensorType> inputs,
                                        const TensorType& result, const Attributes&) {
  std::vector<RowUse> uses;
  if (result.shape.empty()) return uses;
  for (const TensorType& input : inputs) {
    uses.push_back(has_rows_of(input, result) ? RowUse::kSame : RowUse::kAll);
  }
  return uses;
}

std::vector<RowUse> rows_of_axis(std::span<const TensorType> inputs, const TensorType&,
                                 const Attributes& attributes) {
  const int64_t axis = attributes.integer("axis", -1);
  if (axis == 0 || axis == -inputs[0].rank()) return {};
  return std::vector<RowUse>(inputs.size(), RowUse::kSame);
}

}  // namespace graphrt
