#include "runtime/device/known_host_memory.h"

#include <algorithm>

namespace graphrt {

void KnownHostMemory::add(const std::byte* begin, int64_t size_bytes) {
  ranges_.push_back({begin, size_bytes});
}

bool KnownHostMemory::contains(const std::byte* begin, int64_t size_bytes) const {
  // As integers: comparing pointers into different objects is not defined.
  const auto at = reinterpret_cast<uintptr_t>(begin);
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    const auto first = reinterpret_cast<uintptr_t>(range.begin);
    return size_bytes <= range.size_bytes && at >= first &&
           at - first <= static_cast<uintptr_t>(range.size_bytes - size_bytes);
  });
}

Result<void> KnownHostMemory::check_ends(const CopyBinding& binding,
                                         const std::string& device) const {
  const auto check = [&](const Device& end, const OperandSlots& slots,
                         const std::string& which) -> Result<void> {
    if (!end.is_host() || contains(slots.first, slots.extent_bytes())) return {};
    return input_error("copy " + binding.source->name() + " -> " + binding.destination->name() +
                       ": the " + which + " is memory of the host that is not pinned for " +
                       device);
  };
  TRY(check(*binding.source, binding.from, "source"));
  return check(*binding.destination, binding.to, "destination");
}

}  // namespace graphrt
