#include "compiler/parallel/part_rules.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace graphc {
namespace {

using Rule = std::optional<PartRule>;
using HeldBy = std::span<const Sharding>;

bool is_one_of(const WholeNode& node, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), node.op->name) != names.end();
}

bool has_rows(const TensorType& type, int64_t batch) {
  return type.rank() > 0 && type.shape[0] % batch == 0;
}

bool any_is(HeldBy held, Sharding wanted) {
  return std::find(held.begin(), held.end(), wanted) != held.end();
}

bool reduces_rows(const WholeNode& node) {
  const auto axes = normalized_axes(node.attributes->list("axes"), node.inputs[0].rank());
  return !axes.empty() && axes.front() == 0;
}

PartRule of_rows(size_t num_operands, Sharding result) {
  return {std::vector<Sharding>(num_operands, Sharding::kSplit), result};
}

/// By the operator's row rule: rows of the result from the same rows of some operands.
Rule by_row_rule(const WholeNode& node, HeldBy held, int64_t batch) {
  const auto uses = row_uses(*node.op, node.inputs, *node.result, *node.attributes);
  if (uses.empty() || !has_rows(*node.result, batch)) return std::nullopt;
  PartRule rule;
  bool is_divided = false;
  for (size_t i = 0; i < held.size(); ++i) {
    const bool needs_rows = uses[i] == RowUse::kSame;
    if (held[i] == Sharding::kSplit && !needs_rows) return std::nullopt;
    is_divided = is_divided || held[i] == Sharding::kSplit;
    rule.operands.push_back(needs_rows ? Sharding::kSplit : Sharding::kReplicated);
  }
  if (!is_divided) return std::nullopt;
  return rule;
}

/// a^T b, where both have a row for each of the batch, sums over the batch.
bool is_sum_of_products(const WholeNode& node) {
  return node.op->name == "matmul" && node.inputs.size() == 2 && node.inputs[0].rank() == 2 &&
         node.inputs[1].rank() == 2 && node.attributes->flag("transpose_a") &&
         !node.attributes->flag("transpose_b") && !node.attributes->flag("relu");
}

/// A norm's rows are along the last axis: of one axis, all of it is a single row.
bool sums_rows_of_norm(const WholeNode& node) {
  constexpr std::array<std::string_view, 2> kNorms = {"layer_norm_scale_grad",
                                                      "rms_norm_scale_grad"};
  return is_one_of(node, kNorms) && node.inputs[0].rank() > 1;
}

bool sums_rows(const WholeNode& node) {
  constexpr std::array<std::string_view, 2> kSums = {"embedding_grad", "sum_of_squares"};
  return is_one_of(node, kSums) || sums_rows_of_norm(node) || is_sum_of_products(node) ||
         (node.op->name == "sum" && reduces_rows(node));
}

bool averages_rows(const WholeNode& node) {
  constexpr std::array<std::string_view, 4> kMeans = {"accuracy", "binary_cross_entropy", "mse",
                                                      "softmax_cross_entropy"};
  return is_one_of(node, kMeans) || (node.op->name == "mean" && reduces_rows(node));
}

/// Sums and means over the rows: every part of the batch has its share in them.
Rule by_shares(const WholeNode& node, HeldBy held, int64_t batch) {
  const bool is_mean = averages_rows(node);
  if (!is_mean && !sums_rows(node)) return std::nullopt;
  if (!any_is(held, Sharding::kSplit)) return std::nullopt;
  for (const TensorType& input : node.inputs) {
    if (!has_rows(input, batch)) return std::nullopt;
  }
  PartRule rule = of_rows(held.size(), Sharding::kPartialSum);
  rule.is_mean = is_mean;
  return rule;
}

/// What is linear may be applied to the shares in a sum.
Rule by_linearity(const WholeNode& node, HeldBy held) {
  constexpr std::array<std::string_view, 6> kLinear = {"add",   "copy", "reshape",
                                                       "scale", "sub",  "transpose"};
  if (!is_one_of(node, kLinear)) return std::nullopt;
  for (size_t i = 0; i < held.size(); ++i) {
    if (held[i] != Sharding::kPartialSum || node.inputs[i] != node.inputs[0]) return std::nullopt;
  }
  return PartRule{{held.begin(), held.end()}, Sharding::kPartialSum};
}

int64_t axis_of(const WholeNode& node) {
  const int64_t axis = node.attributes->integer("axis", 0);
  return axis < 0 ? axis + node.inputs[0].rank() : axis;
}

/// Whether rows stay rows although the operator has no row rule; how then the parts differ.
std::optional<PartAttribute> find_movement(const WholeNode& node, int64_t batch) {
  const TensorType& input = node.inputs[0];
  const TensorType& result = *node.result;
  const std::string_view op = node.op->name;
  if (op == "reshape" && has_rows(result, batch)) return PartAttribute::kRowsOfShape;
  if (op == "broadcast" && input.rank() == result.rank() && input.shape[0] == result.shape[0]) {
    return PartAttribute::kRowsOfShape;
  }
  if (op == "transpose") {
    const std::vector<int64_t> axes = node.attributes->list("axes");
    const bool stay = axes.empty() ? input.rank() == 1 : axes[0] == 0 || axes[0] == -input.rank();
    return stay ? std::optional(PartAttribute::kNone) : std::nullopt;
  }
  if ((op == "slice" || op == "concat") && axis_of(node) != 0) return PartAttribute::kNone;
  return std::nullopt;
}

Rule by_movement(const WholeNode& node, HeldBy held, int64_t batch) {
  if (!any_is(held, Sharding::kSplit)) return std::nullopt;
  if (node.op->name == "dropout" && held[0] == Sharding::kSplit) {
    return PartRule{
        {Sharding::kSplit, Sharding::kReplicated}, Sharding::kSplit, PartAttribute::kFirstElement};
  }
  const std::optional<PartAttribute> differs = find_movement(node, batch);
  if (!differs) return std::nullopt;
  PartRule rule = of_rows(held.size(), Sharding::kSplit);
  rule.differs = *differs;
  return rule;
}

}  // namespace

Attributes explicit_attributes(const WholeNode& node) {
  Attributes attributes = *node.attributes;
  if (find_attribute(*node.op, "scale") == nullptr || attributes.find("scale") != nullptr) {
    return attributes;
  }
  const bool is_by_row = node.op->name == "softmax_cross_entropy_grad";
  const int64_t count = is_by_row ? node.result->shape[0] : node.result->num_elements();
  attributes.set("scale", 1 / static_cast<double>(count));
  return attributes;
}

std::optional<PartRule> find_part_rule(const WholeNode& node, std::span<const Sharding> held,
                                       int64_t batch) {
  if (Rule rule = by_row_rule(node, held, batch)) return rule;
  if (Rule rule = by_shares(node, held, batch)) return rule;
  if (Rule rule = by_movement(node, held, batch)) return rule;
  return by_linearity(node, held);
}

}  // namespace graphc
