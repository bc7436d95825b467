#include "compiler/parallel/host_spread.h"

#include <algorithm>
#include <map>

namespace graphc {

HostSpread::HostSpread(const std::vector<BatchPart>& parts)
    : hosts_(parts.size()), places_(parts.size()) {
  std::map<HostId, std::vector<size_t>> parts_of;
  for (size_t part = 0; part < parts.size(); ++part) parts_of[parts[part].host].push_back(part);
  for (const auto& [host, of_host] : parts_of) {
    for (size_t place = 0; place < of_host.size(); ++place) {
      hosts_[of_host[place]] = parts_of_.size();
      places_[of_host[place]] = place;
    }
    parts_of_.push_back(of_host);
  }
}

std::vector<size_t> HostSpread::in_order() const {
  std::vector<size_t> order;
  for (const std::vector<size_t>& of_host : parts_of_) {
    order.insert(order.end(), of_host.begin(), of_host.end());
  }
  return order;
}

bool HostSpread::has_slabs() const {
  if (num_hosts() < 2 || parts_of_.front().size() < 2) return false;
  return std::all_of(parts_of_.begin(), parts_of_.end(), [&](const std::vector<size_t>& parts) {
    return parts.size() == parts_of_.front().size();
  });
}

size_t HostSpread::place_in_rows(size_t part) const {
  return has_slabs() ? places_[part] * num_hosts() + hosts_[part] : part;
}

RowRange HostSpread::shard_rows(int64_t num_rows, size_t part) const {
  const size_t place = place_in_rows(part);
  return {begin_of_shard(num_rows, place), begin_of_shard(num_rows, place + 1)};
}

RowRange HostSpread::slab_rows(int64_t num_rows, size_t part) const {
  const size_t first = places_[part] * num_hosts();
  return {begin_of_shard(num_rows, first), begin_of_shard(num_rows, first + num_hosts())};
}

int64_t HostSpread::begin_of_shard(int64_t num_rows, size_t place) const {
  return num_rows * static_cast<int64_t>(place) / static_cast<int64_t>(places_.size());
}

}  // namespace graphc
