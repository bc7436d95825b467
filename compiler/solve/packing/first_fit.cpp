#include "compiler/solve/packing/first_fit.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace graphc {
namespace {

/// Windows of fewer sections cost more to keep up to date than they save.
constexpr int kSmallestWindowBits = 12;

struct PlacedBlock {
  int64_t bottom_bytes = 0;
  int64_t top_bytes = 0;
  int32_t begin = 0;
  int32_t end = 0;
};

/// What is placed, found by time: at every level, windows of 2^bits sections overlap by half, and
/// each lists all blocks that reach into it, lowest first. Any stretch of at most 2^(bits-1)
/// sections lies in one window of that level, so looking there is looking at about what is alive.
///
///   level 1   [ 0  1  2  3 ]     [ 4  5  6  7 ]
///                   [ 2  3  4  5 ]      ...
///   level 0   [ 0  1 ][ 2  3 ] ...
///                [ 1  2 ][ 3  4 ] ...
class PlacedByTime {
 public:
  explicit PlacedByTime(int32_t num_sections) {
    int bits = kSmallestWindowBits;
    do {
      const size_t num_windows = static_cast<size_t>(num_sections >> (bits - 1)) + 1;
      levels_.push_back({bits - 1, std::vector<std::vector<PlacedBlock>>(num_windows)});
    } while ((int64_t{1} << (bits++ - 1)) < num_sections);
  }

  int64_t lowest_gap(const Block& block) const {
    int64_t offset_bytes = 0;
    for (const PlacedBlock& placed : around(block)) {
      if (placed.begin >= block.end || block.begin >= placed.end) continue;
      if (placed.bottom_bytes - offset_bytes >= block.size_bytes) return offset_bytes;
      offset_bytes = std::max(offset_bytes, placed.top_bytes);
    }
    return offset_bytes;
  }

  void place(const Block& block, int64_t offset_bytes) {
    const PlacedBlock placed{offset_bytes, offset_bytes + block.size_bytes, block.begin, block.end};
    for (Level& level : levels_) {
      // Window w spans the halves w and w + 1.
      const int32_t first = std::max((block.begin >> level.half_bits) - 1, 0);
      const int32_t last = (block.end - 1) >> level.half_bits;
      for (int32_t w = first; w <= last; ++w) {
        auto& window = level.windows[static_cast<size_t>(w)];
        const auto above = std::upper_bound(
            window.begin(), window.end(), offset_bytes,
            [](int64_t bytes, const PlacedBlock& other) { return bytes < other.bottom_bytes; });
        window.insert(above, placed);
      }
    }
  }

 private:
  struct Level {
    int half_bits = 0;
    std::vector<std::vector<PlacedBlock>> windows;
  };

  const std::vector<PlacedBlock>& around(const Block& block) const {
    const auto width = static_cast<uint32_t>(block.num_sections());
    const int bits = std::max(static_cast<int>(std::bit_width(width - 1)) + 1, kSmallestWindowBits);
    const auto level_index = static_cast<size_t>(bits - kSmallestWindowBits);
    const Level& level = levels_[std::min(level_index, levels_.size() - 1)];
    const int32_t w = block.begin >> level.half_bits;
    return level.windows[static_cast<size_t>(w)];
  }

  std::vector<Level> levels_;
};

/// The least number of any range, from tables of the least of 2^k in a row.
class RangeMinimum {
 public:
  explicit RangeMinimum(const std::vector<int32_t>& numbers) : tables_{numbers} {
    for (size_t half = 1; 2 * half <= numbers.size(); half *= 2) {
      const std::vector<int32_t>& last = tables_.back();
      std::vector<int32_t> next(last.size() - half);
      for (size_t i = 0; i < next.size(); ++i) next[i] = std::min(last[i], last[i + half]);
      tables_.push_back(std::move(next));
    }
  }

  int32_t of(const Block& range) const {
    const auto length = static_cast<uint32_t>(range.num_sections());
    const auto& table = tables_[static_cast<size_t>(std::bit_width(length)) - 1];
    return std::min(table[to_index(range.begin)],
                    table[to_index(range.end) - std::bit_floor(size_t{length})]);
  }

 private:
  std::vector<std::vector<int32_t>> tables_;
};

BlockOrder start_order(const Strip& strip) {
  BlockOrder order(strip.blocks.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

BlockOrder size_order(const Strip& strip) {
  BlockOrder order = start_order(strip);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return strip.blocks[to_index(a)].size_bytes > strip.blocks[to_index(b)].size_bytes;
  });
  return order;
}

std::vector<int64_t> loads_of(const Strip& strip) {
  std::vector<int64_t> load_bytes(to_index(strip.num_sections) + 1, 0);
  for (const Block& block : strip.blocks) {
    load_bytes[to_index(block.begin)] += block.size_bytes;
    load_bytes[to_index(block.end)] -= block.size_bytes;
  }
  std::partial_sum(load_bytes.begin(), load_bytes.end(), load_bytes.begin());
  load_bytes.pop_back();
  return load_bytes;
}

BlockOrder breadth_order(const Strip& strip) {
  const std::vector<int64_t> load_bytes = loads_of(strip);
  std::vector<int32_t> sections(to_index(strip.num_sections));
  std::iota(sections.begin(), sections.end(), 0);
  std::stable_sort(sections.begin(), sections.end(), [&](int32_t a, int32_t b) {
    return load_bytes[to_index(a)] > load_bytes[to_index(b)];
  });
  std::vector<int32_t> turn(to_index(strip.num_sections));
  for (size_t i = 0; i < sections.size(); ++i)
    turn[to_index(sections[i])] = static_cast<int32_t>(i);
  const RangeMinimum first_turn(turn);
  BlockOrder order = size_order(strip);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return first_turn.of(strip.blocks[to_index(a)]) < first_turn.of(strip.blocks[to_index(b)]);
  });
  return order;
}

/// A block overlaps all but those that end before it begins and those that begin after it ends.
BlockOrder conflict_order(const Strip& strip) {
  std::vector<int64_t> ended_by(to_index(strip.num_sections) + 1, 0);
  std::vector<int64_t> begun_before(to_index(strip.num_sections) + 1, 0);
  for (const Block& block : strip.blocks) {
    ++ended_by[to_index(block.end)];
    ++begun_before[to_index(block.begin) + 1];
  }
  std::partial_sum(ended_by.begin(), ended_by.end(), ended_by.begin());
  std::partial_sum(begun_before.begin(), begun_before.end(), begun_before.begin());
  const auto num_overlaps = [&](int32_t id) {
    const Block& block = strip.blocks[to_index(id)];
    return begun_before[to_index(block.end)] - ended_by[to_index(block.begin)];
  };
  BlockOrder order = size_order(strip);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return num_overlaps(a) > num_overlaps(b); });
  return order;
}

}  // namespace

std::vector<BlockOrder> greedy_orders(const Strip& strip) {
  return {size_order(strip), breadth_order(strip), conflict_order(strip), start_order(strip)};
}

std::optional<StripPacking> first_fit(const Strip& strip, const BlockOrder& order,
                                      int64_t limit_bytes) {
  StripPacking packing{std::vector<int64_t>(strip.blocks.size(), 0), 0};
  PlacedByTime placed(strip.num_sections);
  for (const int32_t id : order) {
    const Block& block = strip.blocks[to_index(id)];
    const int64_t offset_bytes = placed.lowest_gap(block);
    if (offset_bytes + block.size_bytes >= limit_bytes) return std::nullopt;
    placed.place(block, offset_bytes);
    packing.offset_bytes[to_index(id)] = offset_bytes;
    packing.height_bytes = std::max(packing.height_bytes, offset_bytes + block.size_bytes);
  }
  return packing;
}

}  // namespace graphc
