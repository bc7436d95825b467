#include "compiler/placement/remove_ops.h"

namespace graphc {

PlacedGraph without(const PlacedGraph& placed, const PlacedRemoval& removal) {
  PlacedGraph kept;
  kept.graph = placed.graph;
  IdVector<PlacedOpId, PlacedOpId> op_at(placed.ops.size());
  IdVector<PlacedValueId, PlacedValueId> value_at(placed.values.size());
  for (const PlacedOpId id : placed.ops.ids()) {
    if (!removal.ops[id]) op_at[id] = kept.ops.push_back(placed.ops[id]);
  }
  for (const PlacedValueId id : placed.values.ids()) {
    if (!removal.values[id]) value_at[id] = kept.values.push_back(placed.values[id]);
  }
  for (PlacedOp& op : kept.ops) {
    for (PlacedOperand& read : op.reads) read.value = value_at[read.value];
    for (PlacedValueId& value : op.writes) value = value_at[value];
  }
  for (PlacedValue& value : kept.values) {
    for (PlacedOpId& producer : value.producers) producer = op_at[producer];
  }
  kept.resident_outputs = placed.resident_outputs;
  for (auto& output : kept.resident_outputs) {
    if (output) output->value = value_at[output->value];
  }
  return kept;
}

}  // namespace graphc
