#include "compiler/placement/sink_slices.h"

#include <algorithm>

#include "compiler/graph/sliced_rows.h"

namespace graphc {
namespace {

class RowSender {
 public:
  explicit RowSender(const PlacedGraph& placed)
      : placed_(placed),
        readers_(placed.values.size()),
        is_output_(placed.values.size(), false),
        is_dropped_(placed.ops.size(), false) {
    for (const PlacedOpId op : placed.ops.ids()) {
      for (const PlacedOperand& read : placed.ops[op].reads) readers_[read.value].push_back(op);
    }
    for (const auto& output : placed.resident_outputs) {
      if (output) is_output_[output->value] = true;
    }
  }

  PlacedGraph run() {
    for (const PlacedOpId copy : placed_.ops.ids()) {
      if (!carries_only_what_is_cut(copy)) continue;
      send(copy, readers_[placed_.ops[copy].writes.front()].front());
      is_dropped_[copy] = true;
    }
    return without_dropped();
  }

 private:
  /// Several cuts of one value would be several copies, each with its latency.
  bool carries_only_what_is_cut(PlacedOpId copy) const {
    const PlacedOp& op = placed_.ops[copy];
    if (op.kind != PlacedOpKind::kCopy || op.node || op.rows) return false;
    const PlacedValueId carried = op.writes.front();
    if (is_output_[carried] || placed_.is_filled_at_load(carried)) return false;
    const std::vector<PlacedOpId>& readers = readers_[carried];
    return readers.size() == 1 && is_cut(placed_.ops[readers.front()]);
  }

  /// Whether all it does is to cut rows out of a value of the same step. What the user wants kept,
  /// or what replaces a state, stays a computation.
  bool is_cut(const PlacedOp& op) const {
    if (op.kind != PlacedOpKind::kNode || op.reads[0].distance != 0) return false;
    const Node& node = placed_.graph->nodes[*op.node];
    return !node.keep && !node.updates && sliced_rows(placed_.graph, *op.node).has_value();
  }

  void send(PlacedOpId copy, PlacedOpId cut) {
    const PlacedOp& carrier = placed_.ops[copy];
    PlacedOp& op = placed_.ops[cut];
    op.kind = PlacedOpKind::kCopy;
    op.device = carrier.device;
    op.reads = carrier.reads;
    op.reads[0].rows = sliced_rows(placed_.graph, *op.node);
  }

  /// The ids of operations and values close up.
  PlacedGraph without_dropped() const {
    PlacedGraph kept;
    kept.graph = placed_.graph;
    IdVector<PlacedOpId, PlacedOpId> op_at(placed_.ops.size());
    IdVector<PlacedValueId, PlacedValueId> value_at(placed_.values.size());
    IdVector<PlacedValueId, bool> is_carried(placed_.values.size(), false);
    for (const PlacedOpId id : placed_.ops.ids()) {
      if (is_dropped_[id]) {
        is_carried[placed_.ops[id].writes.front()] = true;
      } else {
        op_at[id] = kept.ops.push_back(placed_.ops[id]);
      }
    }
    for (const PlacedValueId id : placed_.values.ids()) {
      if (!is_carried[id]) value_at[id] = kept.values.push_back(placed_.values[id]);
    }
    for (PlacedOp& op : kept.ops) {
      for (PlacedOperand& read : op.reads) read.value = value_at[read.value];
      for (PlacedValueId& value : op.writes) value = value_at[value];
    }
    for (PlacedValue& value : kept.values) {
      for (PlacedOpId& producer : value.producers) producer = op_at[producer];
    }
    kept.resident_outputs = placed_.resident_outputs;
    for (auto& output : kept.resident_outputs) {
      if (output) output->value = value_at[output->value];
    }
    return kept;
  }

  PlacedGraph placed_;
  IdVector<PlacedValueId, std::vector<PlacedOpId>> readers_;
  IdVector<PlacedValueId, bool> is_output_;
  IdVector<PlacedOpId, bool> is_dropped_;
};

}  // namespace

PlacedGraph sink_slices(const PlacedGraph& placed) { return RowSender(placed).run(); }

}  // namespace graphc
