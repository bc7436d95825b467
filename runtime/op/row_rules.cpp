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

std::vector<RowUse> rows_of_matmul(std::span<const TensorType> inputs, const TensorType& result,
                                   const Attributes& attributes) {
  if (result.rank() > 2) return rows_of_elementwise(inputs, result, attributes);
  if (attributes.flag("transpose_a")) return {};
  std::vector<RowUse> uses(inputs.size(), RowUse::kAll);
  uses[0] = RowUse::kSame;
  return uses;
}

std::vector<RowUse> rows_of_matmul_update(std::span<const TensorType>, const TensorType&,
                                          const Attributes& attributes) {
  if (attributes.flag("transpose_a")) return {};
  return {RowUse::kSame, RowUse::kSame, RowUse::kAll};
}

std::vector<RowUse> rows_of_axis(std::span<const TensorType> inputs, const TensorType&,
                                 const Attributes& attributes) {
  const int64_t axis = attributes.integer("axis", -1);
  if (axis == 0 || axis == -inputs[0].rank()) return {};
  return std::vector<RowUse>(inputs.size(), RowUse::kSame);
}

std::vector<RowUse> rows_of_softmax(std::span<const TensorType> inputs, const TensorType& result,
                                    const Attributes& attributes) {
  if (attributes.flag("causal") && result.rank() < 3) return {};
  return rows_of_axis(inputs, result, attributes);
}

std::vector<RowUse> rows_of_pad(std::span<const TensorType> inputs, const TensorType&,
                                const Attributes& attributes) {
  const int64_t axis = attributes.integer("axis", 0);
  if (axis == 0 || axis == -inputs[0].rank()) return {};
  return {RowUse::kSame};
}

std::vector<RowUse> rows_of_reduction(std::span<const TensorType> inputs, const TensorType&,
                                      const Attributes& attributes) {
  const auto reduced = normalized_axes(attributes.list("axes"), inputs[0].rank());
  if (reduced.empty() || reduced.front() == 0) return {};
  return {RowUse::kSame};
}

std::vector<RowUse> rows_of_norm(std::span<const TensorType> inputs, const TensorType& result,
                                 const Attributes& attributes) {
  if (result.rank() < 2) return {};
  return rows_of_elementwise(inputs, result, attributes);
}

std::vector<RowUse> rows_of_embedding(std::span<const TensorType> inputs, const TensorType&,
                                      const Attributes&) {
  if (inputs[1].shape.empty()) return {};
  return {RowUse::kAll, RowUse::kSame};
}

std::vector<RowUse> rows_of_loss_grad(std::span<const TensorType>, const TensorType& result,
                                      const Attributes& attributes) {
  if (attributes.find("scale") == nullptr || result.shape.empty()) return {};
  return {RowUse::kSame, RowUse::kSame};
}

}  // namespace graphrt
