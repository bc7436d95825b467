#include "compiler/memory/passed_bytes.h"

#include "compiler/solve/packing/hand_overs.h"

namespace graphc {

std::vector<ValueHandOver> hand_overs_in(
    const MemoryPlan& plan, ArenaId arena, const ReuseOrder& reuse,
    const IdVector<PlacedValueId, std::vector<ValueAccess>>& accesses) {
  std::vector<PlacedValueId> values;
  std::vector<ByteUse> uses;
  for (const PlannedBuffer& buffer : plan.buffers) {
    if (buffer.arena != arena) continue;
    values.push_back(buffer.value);
    const int64_t begin =
        accesses[buffer.value].empty() ? 0 : reuse.listed_life(accesses[buffer.value]).begin;
    uses.push_back({buffer.offset_bytes, buffer.offset_bytes + buffer.extent_bytes(), begin});
  }
  std::vector<ValueHandOver> result;
  for (const HandOver& over : find_hand_overs(uses, reuse.num_places())) {
    result.push_back({values[over.from], values[over.to], over.rounds});
  }
  return result;
}

}  // namespace graphc
