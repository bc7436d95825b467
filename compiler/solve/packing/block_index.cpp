#include "compiler/solve/packing/block_index.h"

#include <algorithm>

namespace graphc {
namespace {

/// Puts the blocks where they are leaves: the halves left and right of the median, by begin and by
/// end in turn.
class LeafOrder {
 public:
  LeafOrder(const Strip& strip, const BlockOrder& order, size_t num_leaves)
      : strip_(strip), blocks_(order), leaf_of_(order.size()), num_leaves_(num_leaves) {
    arrange(1, 0, blocks_.size(), true);
  }
  std::vector<size_t> take() { return std::move(leaf_of_); }

 private:
  void arrange(size_t node, size_t first, size_t last, bool by_begin) {
    if (first == last) return;
    if (node >= num_leaves_) {
      leaf_of_[to_index(blocks_[first])] = node;
      return;
    }
    const size_t middle = first + (last - first + 1) / 2;
    const auto at = [&](size_t i) { return blocks_.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(first), at(middle), at(last), [&](int32_t a, int32_t b) {
      const int32_t a_key =
          by_begin ? strip_.blocks[to_index(a)].begin : strip_.blocks[to_index(a)].end;
      const int32_t b_key =
          by_begin ? strip_.blocks[to_index(b)].begin : strip_.blocks[to_index(b)].end;
      return a_key != b_key ? a_key < b_key : a < b;
    });
    arrange(2 * node, first, middle, !by_begin);
    arrange(2 * node + 1, middle, last, !by_begin);
  }

  const Strip& strip_;
  BlockOrder blocks_;
  std::vector<size_t> leaf_of_;
  size_t num_leaves_;
};

}  // namespace

BlockIndex::BlockIndex(const Strip& strip, const BlockOrder& order)
    : order_(order), rank_(order.size()) {
  for (size_t i = 0; i < order.size(); ++i) rank_[to_index(order[i])] = static_cast<int32_t>(i);
  while (num_leaves_ < order.size()) num_leaves_ *= 2;
  leaf_of_ = LeafOrder(strip, order, num_leaves_).take();
  nodes_.resize(2 * num_leaves_);
  for (size_t id = 0; id < strip.blocks.size(); ++id) {
    const Block& block = strip.blocks[id];
    nodes_[leaf_of_[id]] = {block.begin, block.begin, block.end, block.end, rank_[id]};
  }
  for (size_t node = num_leaves_ - 1; node >= 1; --node) {
    nodes_[node] = merged(nodes_[2 * node], nodes_[2 * node + 1]);
  }
}

std::optional<int32_t> BlockIndex::first_of(const Query& query) const {
  const int32_t best = best_rank(1, query, kNone);
  if (best == kNone) return std::nullopt;
  return order_[to_index(best)];
}

void BlockIndex::remove(int32_t block) {
  size_t node = leaf_of_[to_index(block)];
  nodes_[node] = Node{};
  for (node /= 2; node >= 1; node /= 2) {
    nodes_[node] = merged(nodes_[2 * node], nodes_[2 * node + 1]);
  }
}

BlockIndex::Node BlockIndex::merged(const Node& a, const Node& b) {
  return {std::min(a.min_begin, b.min_begin), std::max(a.max_begin, b.max_begin),
          std::min(a.min_end, b.min_end), std::max(a.max_end, b.max_end),
          std::min(a.best_rank, b.best_rank)};
}

int32_t BlockIndex::best_rank(size_t node, const Query& query, int32_t better_than) const {
  const Node& here = nodes_[node];
  if (here.best_rank >= better_than) return better_than;
  if (here.max_begin < query.least_begin || here.min_begin > query.most_begin ||
      here.max_end < query.least_end || here.min_end > query.most_end) {
    return better_than;
  }
  if (here.min_begin >= query.least_begin && here.max_begin <= query.most_begin &&
      here.min_end >= query.least_end && here.max_end <= query.most_end) {
    return here.best_rank;
  }
  const size_t nearer = nodes_[2 * node].best_rank < nodes_[2 * node + 1].best_rank ? 0 : 1;
  better_than = best_rank(2 * node + nearer, query, better_than);
  return best_rank(2 * node + 1 - nearer, query, better_than);
}

}  // namespace graphc
