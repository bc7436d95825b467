#include "compiler/placement/add_scratch.h"

namespace graphc {
namespace {

int64_t scratch_of(const PlacedGraph& placed, const PlacedOp& op, const Machine& machine) {
  const Node& node = placed.graph->nodes[*op.node];
  if (node.op->scratch_rule == nullptr) return 0;
  std::vector<TensorType> inputs;
  for (const PlacedOperand& read : op.reads) {
    inputs.push_back(placed.operand_type(read));
  }
  std::vector<TensorType> results;
  for (const PlacedValueId value : op.writes) {
    results.push_back(type_of_rows(placed.type_of(value), op.rows));
  }
  return graphrt::scratch_bytes(*node.op, machine.is_host(op.device), inputs, results,
                                node.attributes);
}

}  // namespace

PlacedGraph add_scratch(const PlacedGraph& placed, const Machine& machine) {
  PlacedGraph with = placed;
  for (const PlacedOpId id : placed.ops.ids()) {
    PlacedOp& op = with.ops[id];
    if (op.kind != PlacedOpKind::kNode) continue;
    const int64_t num_bytes = scratch_of(placed, op, machine);
    if (num_bytes == 0) continue;
    PlacedValue value;
    value.name = op.name + " (scratch)";
    value.device = op.device;
    value.producers = {id};
    value.scratch = TensorType{ElementType::kU8, {num_bytes}};
    op.scratch = with.values.push_back(std::move(value));
  }
  return with;
}

}  // namespace graphc
