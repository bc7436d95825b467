#include "compiler/placement/offload.h"

#include <algorithm>

#include "compiler/placement/placed_graph_rewrite.h"

namespace graphc {
namespace {

/// The copies that brought the value to where it is, the last one first, and then what computed or
/// fed it, unless it was there before the step.
std::vector<PlacedOpId> way_of(const PlacedGraph& placed, PlacedValueId value) {
  std::vector<PlacedOpId> way = {placed.values[value].producers.front()};
  while (placed.ops[way.back()].kind == PlacedOpKind::kCopy) {
    const PlacedOperand& source = placed.ops[way.back()].reads.front();
    if (source.distance > 0 || placed.values[source.value].producers.empty()) break;
    way.push_back(placed.values[source.value].producers.front());
  }
  return way;
}

/// The host's copy of what `value` holds, from the same computation and needing none of `readers`.
std::optional<PlacedValueId> find_on_host(const PlacedGraph& placed, PlacedValueId value,
                                          const std::vector<PlacedOpId>& readers,
                                          const Machine& machine) {
  const PlacedOpId computed_by = way_of(placed, value).back();
  const DeviceId host = machine.host_of(placed.values[value].device);
  for (const PlacedValueId other : placed.values.ids()) {
    const PlacedValue& candidate = placed.values[other];
    if (candidate.device != host || candidate.origin != placed.values[value].origin) {
      continue;
    }
    const std::vector<PlacedOpId> way = way_of(placed, other);
    if (way.back() != computed_by) continue;
    const bool needs_reader = std::any_of(way.begin(), way.end(), [&](PlacedOpId op) {
      return std::find(readers.begin(), readers.end(), op) != readers.end();
    });
    if (!needs_reader) return other;
  }
  return std::nullopt;
}

PlacedValueId add_copy(PlacedGraphRewrite& rewrite, PlacedValueId from, DeviceId destination,
                       const Machine& machine, std::string_view remark) {
  const PlacedValue& source = rewrite.placed().values[from];
  const std::string& label = rewrite.placed().graph->values[source.origin].name;
  const std::string& device_name = machine.devices[destination].name;
  PlacedOp copy;
  copy.kind = PlacedOpKind::kCopy;
  copy.name = label + " -> " + device_name;
  copy.device = source.device;
  copy.destination = destination;
  copy.reads = {{from, 0}};
  PlacedValue result{label + "@" + device_name, source.origin, destination, {}};
  return rewrite.add(std::move(copy), std::move(result), remark);
}

}  // namespace

bool can_offload(const PlacedGraph& placed, PlacedValueId value, const Machine& machine) {
  const DeviceId device = placed.values[value].device;
  if (placed.values[value].producers.size() != 1 || placed.is_filled_at_load(value)) return false;
  const DeviceId host = machine.host_of(device);
  return device != host && machine.find_link(device, host) != nullptr &&
         machine.find_link(host, device) != nullptr;
}

PlacedGraph offload_to_host(const PlacedGraph& placed, PlacedValueId value,
                            const std::vector<PlacedOpId>& readers, const Machine& machine) {
  CHECK(can_offload(placed, value, machine),
        "'" + placed.values[value].name + "' cannot be offloaded");
  CHECK(!readers.empty(), "a copy back that nobody reads");
  PlacedGraphRewrite rewrite(placed);
  const auto known = find_on_host(placed, value, readers, machine);
  const PlacedValueId offloaded =
      known ? *known
            : add_copy(rewrite, value, machine.host_of(placed.values[value].device), machine, "");
  const PlacedValueId back =
      add_copy(rewrite, offloaded, placed.values[value].device, machine, "back");
  rewrite.move_readers(value, back, readers);
  return rewrite.in_order_with(rewrite.placed().values[offloaded].producers.front(),
                               placed.values[value].producers.front());
}

}  // namespace graphc
