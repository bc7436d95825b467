#include "compiler/placement/sink_slices.h"

#include <algorithm>
#include <set>
#include <string>

#include "compiler/graph/views.h"
#include "compiler/placement/remove_ops.h"

namespace graphc {
namespace {

class RowSender {
 public:
  RowSender(const PlacedGraph& placed, const Machine& machine)
      : placed_(placed),
        machine_(machine),
        readers_(placed.values.size()),
        is_output_(placed.values.size(), false),
        removal_{IdVector<PlacedOpId, bool>(placed.ops.size(), false),
                 IdVector<PlacedValueId, bool>(placed.values.size(), false)} {
    for (const PlacedValue& value : placed.values) names_.insert(value.name);
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
      const PlacedValueId carried = placed_.ops[copy].writes.front();
      send(copy, readers_[carried].front());
      removal_.ops[copy] = true;
      removal_.values[carried] = true;
    }
    // The last copies of a route first.
    if (!machine_.hosts.empty()) {
      for (size_t i = placed_.ops.size(); i-- > 0;) narrow(PlacedOpId(i));
    }
    return without(placed_, removal_);
  }

 private:
  /// Several cuts of one value would be several copies, each with its latency.
  bool carries_only_what_is_cut(PlacedOpId copy) const {
    const PlacedOp& op = placed_.ops[copy];
    if (op.kind != PlacedOpKind::kCopy || op.reads[0].rows || op.rows) return false;
    const PlacedValueId carried = op.writes.front();
    if (is_output_[carried] || placed_.is_filled_at_load(carried)) return false;
    const std::vector<PlacedOpId>& readers = readers_[carried];
    return readers.size() == 1 && is_cut(placed_.ops[readers.front()]);
  }

  /// Whether all it does is to cut rows out of a value of the same step. What the user wants kept,
  /// or what replaces a state, stays a computation.
  bool is_cut(const PlacedOp& op) const {
    if (op.kind != PlacedOpKind::kNode || op.reads[0].distance != 0) return false;
    return sliced_rows(placed_.graph, *op.node).has_value();
  }

  void send(PlacedOpId copy, PlacedOpId cut) {
    const PlacedOp& carrier = placed_.ops[copy];
    PlacedOp& op = placed_.ops[cut];
    op.kind = PlacedOpKind::kCopy;
    op.device = carrier.device;
    op.reads = carrier.reads;
    op.reads[0].rows = sliced_rows(placed_.graph, *op.node);
    op.node.reset();
  }

  /// What goes to another host is only those rows that are sent on from there: a
  /// message is what its only reader takes.
  void narrow(PlacedOpId id) {
    const PlacedOp copy = placed_.ops[id];
    const bool is_network =
        machine_.devices[copy.device].host != machine_.devices[copy.destination].host;
    if (copy.kind != PlacedOpKind::kCopy || removal_.ops[id] || !is_network) return;
    const PlacedValueId carried = copy.writes.front();
    if (copy.reads[0].rows || copy.rows || is_output_[carried]) return;
    if (placed_.is_filled_at_load(carried) || readers_[carried].size() != 1) return;
    PlacedOp& reader = placed_.ops[readers_[carried].front()];
    if (reader.kind != PlacedOpKind::kCopy || !reader.reads[0].rows || reader.rows) return;
    // What travels is what the reader makes of it.
    const PlacedValue& made = placed_.values[reader.writes.front()];
    const std::string& device = machine_.devices[copy.destination].name;
    const std::string label = placed_.graph->values[made.origin].name;
    if (!names_.insert(label + "@" + device).second) return;
    placed_.values[carried].name = label + "@" + device;
    placed_.values[carried].origin = made.origin;
    placed_.ops[id].name = label + " -> " + device;
    placed_.ops[id].reads[0].rows = reader.reads[0].rows;
    reader.reads[0].rows.reset();
  }

  PlacedGraph placed_;
  const Machine& machine_;
  std::set<std::string> names_;  ///< of values
  IdVector<PlacedValueId, std::vector<PlacedOpId>> readers_;
  IdVector<PlacedValueId, bool> is_output_;
  PlacedRemoval removal_;
};

}  // namespace

PlacedGraph sink_slices(const PlacedGraph& placed, const Machine& machine) {
  return RowSender(placed, machine).run();
}

}  // namespace graphc
