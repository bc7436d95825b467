#pragma once

#include <string>
#include <vector>

#include "compiler/placement/placed_graph.h"

namespace graphc {

inline PlacedOpId op_named(const PlacedGraph& placed, const std::string& name) {
  for (const PlacedOpId op : placed.ops.ids()) {
    if (placed.ops[op].name == name) return op;
  }
  CHECK(false, "no operation " + name);
}

inline PlacedValueId value_named(const PlacedGraph& placed, const std::string& name) {
  for (const PlacedValueId value : placed.values.ids()) {
    if (placed.values[value].name == name) return value;
  }
  CHECK(false, "no value " + name);
}

/// What the operation reads.
inline std::vector<std::string> names_of_reads(const PlacedGraph& placed, const std::string& op) {
  std::vector<std::string> names;
  for (const PlacedOperand& read : placed.ops[op_named(placed, op)].reads) {
    names.push_back(placed.values[read.value].name);
  }
  return names;
}

}  // namespace graphc
