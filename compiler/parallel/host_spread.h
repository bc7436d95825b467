#pragma once

#include <vector>

#include "compiler/graph/parallel.h"

namespace graphc {

/// Which parts of a batch are on which host. Hosts and places in them are counted from 0, in the
/// order of the machine's hosts and, within one, of the parts.
class HostSpread {
 public:
  explicit HostSpread(const std::vector<BatchPart>& parts);

  /// That have a part.
  size_t num_hosts() const { return parts_of_.size(); }
  const std::vector<size_t>& of_host(size_t host) const { return parts_of_[host]; }
  /// All parts, host after host: the order of sums.
  std::vector<size_t> in_order() const;
  size_t place_in_host(size_t part) const { return places_[part]; }

  /// Whether shards that have one place in their hosts lie side by side, as slabs: those devices then
  /// exchange what each host has summed for itself. So it is where several hosts have equally many
  /// parts, and more than one.
  bool has_slabs() const;
  /// Which of the shards of a value, in the order of its rows, the part has.
  size_t place_in_rows(size_t part) const;
  /// The rows of the part's shard of a value, and of the slab that this is in.
  RowRange shard_rows(int64_t num_rows, size_t part) const;
  RowRange slab_rows(int64_t num_rows, size_t part) const;

 private:
  int64_t begin_of_shard(int64_t num_rows, size_t place) const;

  std::vector<std::vector<size_t>> parts_of_;  // host by host
  std::vector<size_t> hosts_;                  // of each part, as counted here
  std::vector<size_t> places_;                 // of each part in its host
};

}  // namespace graphc
