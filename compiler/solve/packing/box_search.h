#pragma once

#include "compiler/solve/packing/boxes.h"
#include "compiler/solve/packing/canonical_search.h"

namespace graphc {

/// The exact search over boxes instead of blocks: often a tenth as many. Several ways to join take
/// turns, those with the fewest boxes first: few boxes were joined with few mistakes.
class BoxSearch {
 public:
  /// `first`: ways to join the blocks of `strip` to be tried before any others. `strip` outlives
  /// the search.
  BoxSearch(const Strip& strip, std::vector<BoxedStrip> first);

  /// A packing of the blocks not higher than `capacity_bytes`, or none in about `max_steps` steps
  /// of search_canonical, as which joining is counted, too. Never kImpossible: blocks may lie where
  /// no box can. Searches of other capacities go on with the boxes that this one made.
  ///
  /// Joins at random, ever more ways as the limits of the searches grow, but for strips of more
  /// than 2048 blocks. Ways that leave more than 2048 boxes are left out.
  SearchResult search(int64_t capacity_bytes, int64_t max_steps);

 private:
  /// One way to join that was searched up to some limit.
  struct Try {
    BoxedStrip boxed;
    int64_t impossible_bytes = -1;  ///< no packing of these boxes is as low as this
  };

  int64_t add_tries(int64_t max_steps);
  void offer(BoxedStrip boxed);

  const Strip& strip_;
  bool is_joinable_ = true;
  uint32_t num_random_tries_ = 0;
  std::vector<Try> tries_;  ///< the best of all, fewest boxes first
};

}  // namespace graphc
