#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace graphc {

/// How far a search is, for those who wait for it.
struct SearchStatus {
  std::string what;     ///< what is being scheduled: `heft`, `batch over gpu0, gpu1`
  size_t num_done = 0;  ///< of the ways to spread the batch, or else to place the nodes
  size_t num_ways = 0;
  std::optional<int64_t> best_ns;  ///< the shortest time per step so far
};

/// Told before something is scheduled. Decides nothing.
using SearchReport = std::function<void(const SearchStatus&)>;

}  // namespace graphc
