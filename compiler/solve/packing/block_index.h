#pragma once

#include <limits>
#include <optional>

#include "compiler/solve/packing/first_fit.h"

namespace graphc {

/// Finds the first block of an order that begins and ends within given sections: a k-d tree over
/// (begin, end) in which every node knows the box around what is left of it, and its first block.
/// Cost: removal O(log n); a search O(sqrt n) at worst, about O(log n) on lives of most graphs.
class BlockIndex {
 public:
  /// Requires: `order` names every block of `strip` once; `strip` outlives the index.
  BlockIndex(const Strip& strip, const BlockOrder& order);

  /// Bounds included.
  struct Query {
    int32_t least_begin = 0;
    int32_t most_begin = 0;
    int32_t least_end = 0;
    int32_t most_end = 0;
  };

  std::optional<int32_t> first_of(const Query& query) const;
  int32_t rank(int32_t block) const { return rank_[static_cast<size_t>(block)]; }
  void remove(int32_t block);

 private:
  static constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

  struct Node {
    int32_t min_begin = kNone;
    int32_t max_begin = -1;
    int32_t min_end = kNone;
    int32_t max_end = -1;
    int32_t best_rank = kNone;
  };

  static Node merged(const Node& a, const Node& b);
  int32_t best_rank(size_t node, const Query& query, int32_t better_than) const;

  const BlockOrder order_;
  std::vector<int32_t> rank_;
  std::vector<size_t> leaf_of_;
  size_t num_leaves_ = 1;
  std::vector<Node> nodes_;  ///< the children of i are 2 i and 2 i + 1
};

}  // namespace graphc
