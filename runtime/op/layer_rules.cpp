// The type rules of layers that are one operator: norms, embeddings, dropout.
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

/// The type of what a norm has one number of for each column.
TensorType columns_of(const TensorType& x) { return {ElementType::kF32, {x.shape.back()}}; }

/// gradient and x, alone or with gamma.
TypeResult type_of_gradient(Types inputs, const Attributes& attributes, const std::string& needs) {
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape.empty()) return tl::unexpected(misfit(needs, inputs, 0));
  if (inputs[1] != inputs[0]) return tl::unexpected(misfit(needs, inputs, 1));
  if (inputs.size() > 2 && inputs[2] != columns_of(inputs[0])) {
    return tl::unexpected(misfit(needs, inputs, 2));
  }
  if (auto error = find_outside(attributes, "epsilon", 0)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

}  // namespace

TypeResult type_of_norm(Types inputs, const Attributes& attributes) {
  const std::string needs =
      inputs.size() == 2 ? "x[..., D] and gamma[D]" : "x[..., D], gamma[D] and beta[D]";
  if (auto error = find_non_f32(inputs)) return tl::unexpected(*std::move(error));
  if (inputs[0].shape.empty()) return tl::unexpected(misfit(needs, inputs, 0));
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i] != columns_of(inputs[0])) return tl::unexpected(misfit(needs, inputs, i));
  }
  if (auto error = find_outside(attributes, "epsilon", 0)) return tl::unexpected(*std::move(error));
  return inputs[0];
}

TypeResult type_of_norm_grad(Types inputs, const Attributes& attributes) {
  return type_of_gradient(inputs, attributes,
                          "gradient[..., D] and x[..., D] of the same shape and gamma[D]");
}

TypeResult type_of_norm_scale_grad(Types inputs, const Attributes& attributes) {
  TypeResult result =
      type_of_gradient(inputs, attributes, "gradient[..., D] and x[..., D] of the same shape");
  if (!result) return result;
  return columns_of(*result);
}

TypeResult type_of_embedding(Types inputs, const Attributes&) {
  const char* needs = "table f32[V, D] and index i32[...]";
  const TensorType& table = inputs[0];
  const TensorType& index = inputs[1];
  if (table.element != ElementType::kF32 || table.rank() != 2) {
    return tl::unexpected(misfit(needs, inputs, 0));
  }
  if (index.element != ElementType::kI32) return tl::unexpected(misfit(needs, inputs, 1));
  TensorType result{ElementType::kF32, index.shape};
  result.shape.push_back(table.shape.back());
  return result;
}

TypeResult type_of_embedding_grad(Types inputs, const Attributes& attributes) {
  const char* needs = "gradient f32[..., D] and index i32[...], one for each row";
  const TensorType& gradient = inputs[0];
  const TensorType& index = inputs[1];
  if (gradient.element != ElementType::kF32 || gradient.shape.empty()) {
    return tl::unexpected(misfit(needs, inputs, 0));
  }
  const Shape rows(gradient.shape.begin(), gradient.shape.end() - 1);
  if (index != TensorType{ElementType::kI32, rows}) {
    return tl::unexpected(misfit(needs, inputs, 1));
  }
  constexpr double kRowsEnd = 0x1p31;  // no index names a row beyond
  if (auto error = find_outside(attributes, "rows", 1, kRowsEnd)) {
    return tl::unexpected(*std::move(error));
  }
  return TensorType{ElementType::kF32, {attributes.integer("rows", 1), gradient.shape.back()}};
}

TypeResult type_of_dropout(Types inputs, const Attributes& attributes) {
  constexpr double kFirstEnd = 0x1p53;  // far from where an index would overflow
  if (inputs[0].element != ElementType::kF32) return tl::unexpected(*find_non_f32(inputs.first(1)));
  if (inputs[1] != TensorType{ElementType::kI32, {}}) {
    return refuse("needs i32[] as its step; got " + to_string(inputs[1]), 1);
  }
  if (auto error = find_outside(attributes, "rate", 0, 1)) return tl::unexpected(*std::move(error));
  if (auto error = find_outside(attributes, "first", 0, kFirstEnd)) {
    return tl::unexpected(*std::move(error));
  }
  return inputs[0];
}

}  // namespace graphrt
