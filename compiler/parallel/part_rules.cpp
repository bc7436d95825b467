#include "compiler/parallel/part_rules.h"

#include <algorithm>

namespace graphc {
namespace {

using Rule = std::optional<PartRule>;
using HeldBy = std::span<const Sharding>;

bool has_rows(const TensorType& type, int64_t batch) {
  return type.rank() > 0 && type.shape[0] % batch == 0;
}

bool all_have_rows(std::span<const TensorType> types, int64_t batch) {
  return std::all_of(types.begin(), types.end(),
                     [&](const TensorType& type) { return has_rows(type, batch); });
}

bool any_is(HeldBy held, Sharding wanted) {
  return std::find(held.begin(), held.end(), wanted) != held.end();
}

/// Rows of the result from what `uses` says of every operand.
Rule from_rows(std::span<const RowUse> uses, HeldBy held) {
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

/// By the operator's row rule: rows of the result from the same rows of some operands.
Rule by_row_rule(const WholeNode& node, HeldBy held, int64_t batch) {
  const auto uses = row_uses(*node.op, node.inputs, node.results[0], *node.attributes);
  if (uses.empty() || !all_have_rows(node.results, batch)) return std::nullopt;
  return from_rows(uses, held);
}

/// The same where the parts have other attributes than the whole.
Rule by_part_rule(const WholeNode& node, HeldBy held, int64_t batch) {
  if (node.op->part_rule == nullptr || !all_have_rows(node.results, batch)) return std::nullopt;
  const RowPart part = node.op->part_rule(node.inputs, node.results[0], *node.attributes);
  if (part.uses.empty()) return std::nullopt;
  Rule rule = from_rows(part.uses, held);
  if (rule) rule->differs = part.differs;
  return rule;
}

/// Sums and means over the rows: every part of the batch has its share in them.
Rule by_row_total(const WholeNode& node, HeldBy held, int64_t batch) {
  if (node.op->row_total_rule == nullptr || !any_is(held, Sharding::kSplit)) return std::nullopt;
  const RowTotal total = node.op->row_total_rule(node.inputs, node.results[0], *node.attributes);
  // Means over what counts have become sums, by decompose: no part knows what others count.
  if (total == RowTotal::kNone || total == RowTotal::kMeanOfCounted) return std::nullopt;
  if (!all_have_rows(node.inputs, batch)) return std::nullopt;
  PartRule rule{std::vector<Sharding>(held.size(), Sharding::kSplit), Sharding::kPartialSum};
  rule.is_mean = total == RowTotal::kMean;
  return rule;
}

/// What is linear may be applied to the shares in a sum.
Rule by_linearity(const WholeNode& node, HeldBy held) {
  if (!node.op->is_linear) return std::nullopt;
  for (size_t i = 0; i < held.size(); ++i) {
    if (held[i] != Sharding::kPartialSum || node.inputs[i] != node.inputs[0]) return std::nullopt;
  }
  return PartRule{{held.begin(), held.end()}, Sharding::kPartialSum};
}

}  // namespace

Attributes explicit_attributes(const WholeNode& node) {
  Attributes attributes = *node.attributes;
  if (attributes.find("scale") != nullptr) return attributes;
  const auto set_scale = [&](int64_t count) {
    attributes.set("scale", 1 / static_cast<double>(count));
  };
  switch (node.op->mean_of) {
    case graphrt::MeanOf::kNothing:
      break;
    case graphrt::MeanOf::kRows:
      set_scale(node.results[0].shape[0]);
      break;
    case graphrt::MeanOf::kElements:
      set_scale(node.results[0].num_elements());
  }
  return attributes;
}

std::optional<PartRule> find_part_rule(const WholeNode& node, std::span<const Sharding> held,
                                       int64_t batch) {
  if (Rule rule = by_row_rule(node, held, batch)) return rule;
  if (Rule rule = by_row_total(node, held, batch)) return rule;
  if (Rule rule = by_part_rule(node, held, batch)) return rule;
  return by_linearity(node, held);
}

}  // namespace graphc
