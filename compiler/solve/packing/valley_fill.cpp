#include "compiler/solve/packing/valley_fill.h"

#include <algorithm>
#include <limits>
#include <queue>

#include "compiler/solve/packing/block_index.h"

namespace graphc {
namespace {

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
      if (end_[to_index(begin)] != 0 && height_bytes_[to_index(begin)] == height_bytes) {
        return {begin, end_[to_index(begin)], height_bytes};
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
      bank_bytes = height_bytes_[to_index(begin_of_end_[to_index(segment.begin)])];
    }
    if (segment.end < num_sections_) {
      bank_bytes = std::min(bank_bytes, height_bytes_[to_index(segment.end)]);
    }
    set_merged({segment.begin, segment.end, bank_bytes});
  }

 private:
  void set(const Segment& segment) {
    end_[to_index(segment.begin)] = segment.end;
    begin_of_end_[to_index(segment.end)] = segment.begin;
    height_bytes_[to_index(segment.begin)] = segment.height_bytes;
    queue_.push({segment.height_bytes, segment.begin});
  }
  void erase(const Segment& segment) { end_[to_index(segment.begin)] = 0; }

  /// Neighbours of the same height become one segment with it.
  void set_merged(Segment segment) {
    if (segment.begin > 0) {
      const int32_t left = begin_of_end_[to_index(segment.begin)];
      if (height_bytes_[to_index(left)] == segment.height_bytes) {
        erase({left, segment.begin, segment.height_bytes});
        segment.begin = left;
      }
    }
    if (segment.end < num_sections_ &&
        height_bytes_[to_index(segment.end)] == segment.height_bytes) {
      const int32_t right_end = end_[to_index(segment.end)];
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

/// The block for a valley.
std::optional<int32_t> choose(const BlockIndex& open, const Skyline::Segment& valley, EdgeFit fit) {
  const int32_t begin = valley.begin;
  const int32_t end = valley.end;
  if (fit == EdgeFit::kBoth || fit == EdgeFit::kBothThenOne) {
    if (const auto exact = open.first_of({begin, begin, end, end})) return exact;
  }
  if (fit == EdgeFit::kOne || fit == EdgeFit::kBothThenOne) {
    const auto left = open.first_of({begin, begin, begin, end});
    const auto right = open.first_of({begin, end, end, end});
    if (left && right) return open.rank(*left) < open.rank(*right) ? left : right;
    if (left || right) return left ? left : right;
  }
  return open.first_of({begin, end, begin, end});
}

}  // namespace

StripPacking fill_valleys(const Strip& strip, const BlockOrder& order, EdgeFit fit) {
  StripPacking packing{std::vector<int64_t>(strip.blocks.size(), 0), 0};
  BlockIndex open(strip, order);
  Skyline skyline(strip.num_sections);
  for (size_t num_placed = 0; num_placed < order.size();) {
    const Skyline::Segment valley = skyline.lowest();
    const std::optional<int32_t> id = choose(open, valley, fit);
    if (!id) {
      skyline.fill_up(valley);
      continue;
    }
    const Block& block = strip.blocks[to_index(*id)];
    packing.offset_bytes[to_index(*id)] = valley.height_bytes;
    packing.height_bytes = std::max(packing.height_bytes, valley.height_bytes + block.size_bytes);
    skyline.raise(valley, block);
    open.remove(*id);
    ++num_placed;
  }
  return packing;
}

}  // namespace graphc
