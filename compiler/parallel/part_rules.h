#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "compiler/vocabulary.h"
#include "runtime/op/op_table.h"

namespace graphc {

/// How the devices that share a batch hold a value between them.
enum class Sharding : uint8_t {
  kReplicated,  ///< one value, for whoever asks
  kSplit,       ///< each device some of its rows; one after the other they are the value
  kPartialSum,  ///< each device one of its type; their sum is the value
};

/// How a node is computed in parts, by the same operator.
struct PartRule {
  std::vector<Sharding> operands;  ///< what each part reads of every operand
  Sharding result = Sharding::kSplit;
  PartAttribute differs = PartAttribute::kNone;
  bool is_mean = false;  ///< kShares: what a part gives counts by its rows
};

/// A node and what it works on, types of the whole.
struct WholeNode {
  const OpInfo* op;
  std::span<const TensorType> inputs;
  std::span<const TensorType> results;
  const Attributes* attributes;
};

/// The node's attributes with what would depend on the number of rows if it stays unsaid: the
/// `scale` of a loss's gradient.
Attributes explicit_attributes(const WholeNode& node);

/// How `node` is computed in parts of a batch of `batch` rows; nothing if it needs operands whole,
/// or none of them is divided. A value that has k times as many rows as the batch has k for each.
/// Requires: the attributes are explicit; `held` says for every operand how it is held.
std::optional<PartRule> find_part_rule(const WholeNode& node, std::span<const Sharding> held,
                                       int64_t batch);

}  // namespace graphc
