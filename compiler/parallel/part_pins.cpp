#include "compiler/parallel/part_pins.h"

#include <cstdint>

namespace graphc {
namespace {

/// What is smaller is not worth a message to each host about its rows.
constexpr int64_t kLeastShardedBytes = int64_t{16} << 10;

}  // namespace

Pin PartPins::of_part(size_t part) const {
  return {parallel_.batch[part].device, {}, parallel_.batch[part].where};
}

Pin PartPins::of_whole(ValueId value) const {
  if (division_.is_update[value] == 0 && is_of_states_[value] == 0) return {};
  if (parallel_.updates == UpdatePlace::kAuto) return {};
  if (is_of_one_host(value)) return of_part(spread_.of_host(0).front());
  if (parallel_.updates == UpdatePlace::kOneDevice) {
    if (division_.is_update[value] == 0) return {};
    return {parallel_.update_device, {}, parallel_.update_where};
  }
  Pin pin = of_part(0);
  for (size_t part = 1; part < parallel_.batch.size(); ++part) {
    pin.also_on.push_back(parallel_.batch[part].device);
  }
  return pin;
}

bool PartPins::is_of_one_host(ValueId value) const {
  return parallel_.updates == UpdatePlace::kSharded && spread_.num_hosts() > 1 &&
         is_of_states_[value] == 0 && graph_.type_of(value).size_bytes() < kLeastShardedBytes;
}

Pin PartPins::of_host(ValueId value, size_t host) const {
  const std::vector<size_t>& parts = spread_.of_host(host);
  Pin whole = of_whole(value);
  const bool is_here = parallel_.updates == UpdatePlace::kOneDevice &&
                       parallel_.batch[parts.front()].host == parallel_.update_host;
  if (is_here && whole.device) return whole;
  Pin pin = of_part(parts.front());
  if (parallel_.updates != UpdatePlace::kReplicated || !whole.device) return pin;
  for (size_t i = 1; i < parts.size(); ++i) {
    pin.also_on.push_back(parallel_.batch[parts[i]].device);
  }
  return pin;
}

Pin PartPins::of_total(ValueId value) const {
  Pin pin = of_whole(value);
  const bool is_update = division_.is_update[value] != 0;
  if (pin.device || is_update || spread_.num_hosts() == 1) return pin;
  return {parallel_.result_device, {}, parallel_.where};
}

}  // namespace graphc
