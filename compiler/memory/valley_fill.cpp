#include "compiler/memory/valley_fill.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <queue>

namespace graphc {
namespace {

constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

/// Finds the first block of an order that lies within a range of sections: a k-d tree over (begin,
/// end), stored by level as a heap is, in which every node knows the best of its subtree.
class BlockIndex {
 public:
  BlockIndex(const Strip& strip, const std::vector<int32_t>& order)
      : strip_(strip), order_(order), rank_(order.size()), leaf_of_(order.size()) {
    for (size_t i = 0; i < order.size(); ++i) rank_[index(order[i])] = static_cast<int32_t>(i);
    while (num_leaves_ < order.size()) num_leaves_ *= 2;
    nodes_.resize(2 * num_leaves_);
    std::vector<int32_t> blocks = order;
    build(1, blocks, 0, blocks.size(), true);
  }

  /// The first block within [begin, end), or kNone.
  int32_t first_within(int32_t begin, int32_t end) const {
    int32_t best_rank = kNone;
    descend(1, begin, end, best_rank);
    return best_rank == kNone ? kNone : order_[index(best_rank)];
  }

  void remove(int32_t block) {
    size_t node = leaf_of_[index(block)];
    nodes_[node] = Node{};
    for (node /= 2; node >= 1; node /= 2) nodes_[node] = merged(nodes_[2 * node], nodes_[2 * node + 1]);
  }

 private:
  /// What is left in a subtree: the box around it, and its first in the order.
  struct Node {
    int32_t min_begin = kNone;
    int32_t max_begin = -1;
    int32_t min_end = kNone;
    int32_t max_end = -1;
    int32_t best_rank = kNone;
  };

  static size_t index(int32_t number) { return static_cast<size_t>(number); }

  static Node merged(const Node& a, const Node& b) {
    return {std::min(a.min_begin, b.min_begin), std::max(a.max_begin, b.max_begin),
            std::min(a.min_end, b.min_end), std::max(a.max_end, b.max_end),
            std::min(a.best_rank, b.best_rank)};
  }

  void build(size_t node, std::vector<int32_t>& blocks, size_t first, size_t last, bool by_begin) {
    if (first == last) return;
    if (node >= num_leaves_) {
      const int32_t id = blocks[first];
      const Block& block = strip_.blocks[index(id)];
      leaf_of_[index(id)] = node;
      nodes_[node] = {block.begin, block.begin, block.end, block.end, rank_[index(id)]};
      return;
    }
    const size_t middle = first + (last - first + 1) / 2;
    const auto at = [&](size_t i) { return blocks.begin() + static_cast<std::ptrdiff_t>(i); };
    std::nth_element(at(first), at(middle), at(last), [&](int32_t a, int32_t b) {
      const Block& x = strip_.blocks[index(a)];
      const Block& y = strip_.blocks[index(b)];
      if (by_begin && x.begin != y.begin) return x.begin < y.begin;
      if (!by_begin && x.end != y.end) return x.end < y.end;
      return a < b;
    });
    build(2 * node, blocks, first, middle, !by_begin);
    build(2 * node + 1, blocks, middle, last, !by_begin);
    nodes_[node] = merged(nodes_[2 * node], nodes_[2 * node + 1]);
  }

  void descend(size_t node, int32_t begin, int32_t end, int32_t& best_rank) const {
    const Node& here = nodes_[node];
    if (here.best_rank >= best_rank || here.max_begin < begin || here.min_end > end) return;
    if (here.min_begin >= begin && here.max_end <= end) {
      best_rank = here.best_rank;
      return;
    }
    const bool left_first = nodes_[2 * node].best_rank < nodes_[2 * node + 1].best_rank;
    descend(2 * node + (left_first ? 0 : 1), begin, end, best_rank);
    descend(2 * node + (left_first ? 1 : 0), begin, end, best_rank);
  }

  const Strip& strip_;
  const std::vector<int32_t>& order_;
  std::vector<int32_t> rank_;
  std::vector<size_t> leaf_of_;
  size_t num_leaves_ = 1;
  std::vector<Node> nodes_;
};

/// The upper edge of what is placed: segments of equal height, known by their first section.
class Skyline {
 public:
  struct Segment {
    int32_t begin = 0;
    int32_t end = 0;
    int64_t height_bytes = 0;
  };

  explicit Skyline(int32_t num_sections)
      : end_(static_cast<size_t>(num_sections) + 1, 0),
        begin_of_end_(static_cast<size_t>(num_sections) + 1, 0),
        height_bytes_(static_cast<size_t>(num_sections), 0),
        num_sections_(num_sections) {
    set({0, num_sections, 0});
  }

  /// The lowest segment, the leftmost of equals.
  Segment lowest() {
    while (true) {
      const auto [height_bytes, begin] = queue_.top();
      if (end_[index(begin)] != 0 && height_bytes_[index(begin)] == height_bytes) {
        return {begin, end_[index(begin)], height_bytes};
      }
      queue_.pop();  // it has changed since
    }
  }

  /// Raises [begin, end), part of `segment`, by the height of a block.
  void raise(const Segment& segment, const Block& block) {
    erase(segment);
    if (segment.begin < block.begin) set({segment.begin, block.begin, segment.height_bytes});
    if (block.end < segment.end) set({block.end, segment.end, segment.height_bytes});
    set_merged({block.begin, block.end, segment.height_bytes + block.size_bytes});
  }

  /// Raises a segment to the lower one of its neighbours. Requires: there is one.
  void fill_up(const Segment& segment) {
    erase(segment);
    int64_t bank_bytes = std::numeric_limits<int64_t>::max();
    if (segment.begin > 0) {
      bank_bytes = height_bytes_[index(begin_of_end_[index(segment.begin)])];
    }
    if (segment.end < num_sections_) {
      bank_bytes = std::min(bank_bytes, height_bytes_[index(segment.end)]);
    }
    set_merged({segment.begin, segment.end, bank_bytes});
  }

 private:
  static size_t index(int32_t number) { return static_cast<size_t>(number); }

  void set(const Segment& segment) {
    end_[index(segment.begin)] = segment.end;
    begin_of_end_[index(segment.end)] = segment.begin;
    height_bytes_[index(segment.begin)] = segment.height_bytes;
    queue_.push({segment.height_bytes, segment.begin});
  }
  void erase(const Segment& segment) { end_[index(segment.begin)] = 0; }

  /// Neighbours of the same height become one segment with it.
  void set_merged(Segment segment) {
    if (segment.begin > 0) {
      const int32_t left = begin_of_end_[index(segment.begin)];
      if (height_bytes_[index(left)] == segment.height_bytes) {
        erase({left, segment.begin, segment.height_bytes});
        segment.begin = left;
      }
    }
    if (segment.end < num_sections_ && height_bytes_[index(segment.end)] == segment.height_bytes) {
      const int32_t right_end = end_[index(segment.end)];
      erase({segment.end, right_end, segment.height_bytes});
      segment.end = right_end;
    }
    set(segment);
  }

  using Entry = std::pair<int64_t, int32_t>;
  std::vector<int32_t> end_;           ///< by first section; 0: no segment begins here
  std::vector<int32_t> begin_of_end_;  ///< by the section after the last
  std::vector<int64_t> height_bytes_;  ///< by first section
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
  int32_t num_sections_;
};

}  // namespace

StripPacking fill_valleys(const Strip& strip, const std::vector<int32_t>& order) {
  StripPacking packing{std::vector<int64_t>(strip.blocks.size(), 0), 0};
  BlockIndex open(strip, order);
  Skyline skyline(strip.num_sections);
  for (size_t num_placed = 0; num_placed < order.size();) {
    const Skyline::Segment valley = skyline.lowest();
    const int32_t id = open.first_within(valley.begin, valley.end);
    if (id == kNone) {
      skyline.fill_up(valley);
      continue;
    }
    const Block& block = strip.blocks[static_cast<size_t>(id)];
    packing.offset_bytes[static_cast<size_t>(id)] = valley.height_bytes;
    packing.height_bytes = std::max(packing.height_bytes, valley.height_bytes + block.size_bytes);
    skyline.raise(valley, block);
    open.remove(id);
    ++num_placed;
  }
  return packing;
}

}  // namespace graphc
