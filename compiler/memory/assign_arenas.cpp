#include "compiler/memory/assign_arenas.h"

#include <map>
#include <utility>

namespace graphc {
namespace {

IdVector<PlacedValueId, bool> find_copied(const PlacedGraph& placed) {
  IdVector<PlacedValueId, bool> is_copied(placed.values.size(), false);
  for (const PlacedOp& op : placed.ops) {
    if (op.kind != PlacedOpKind::kCopy) continue;
    for (const PlacedOperand& read : op.reads) is_copied[read.value] = true;
    for (const PlacedValueId value : op.writes) is_copied[value] = true;
  }
  return is_copied;
}

}  // namespace

ArenaAssignment assign_arenas(const TaskGraph& tasks) {
  const PlacedGraph& placed = tasks.placed;
  using Place = std::pair<DeviceId, MemoryKind>;
  const IdVector<PlacedValueId, bool> is_copied = find_copied(placed);
  const auto place_of = [&](PlacedValueId value) {
    const DeviceId device = placed.values[value].device;
    // Groups of devices come first, and a host's lanes are cores.
    const bool is_host = tasks.lanes.groups[GroupId(device.value())].is_of_cores;
    if (!is_host) return Place(device, MemoryKind::kDevice);
    return Place(device, is_copied[value] ? MemoryKind::kPinned : MemoryKind::kPageable);
  };
  std::map<Place, ArenaId> arena_at;
  for (const PlacedValueId value : placed.values.ids()) arena_at[place_of(value)];
  ArenaAssignment assignment;
  for (auto& [place, arena] : arena_at) {
    arena = assignment.arenas.push_back({place.first, place.second, 0, 0});
  }
  for (const PlacedValueId value : placed.values.ids()) {
    assignment.arena_of.push_back(arena_at.at(place_of(value)));
  }
  return assignment;
}

}  // namespace graphc
