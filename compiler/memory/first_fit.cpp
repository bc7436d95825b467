#include "compiler/memory/first_fit.h"

#include <algorithm>
#include <bit>

namespace graphc {
namespace {

/// Windows of fewer sections cost more to keep up to date than they save.
constexpr int kSmallestWindowBits = 6;

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

}  // namespace

StripPacking first_fit(const Strip& strip, const std::vector<int32_t>& order) {
  StripPacking packing{std::vector<int64_t>(strip.blocks.size(), 0), 0};
  PlacedByTime placed(strip.num_sections);
  for (const int32_t index : order) {
    const Block& block = strip.blocks[static_cast<size_t>(index)];
    const int64_t offset_bytes = placed.lowest_gap(block);
    placed.place(block, offset_bytes);
    packing.offset_bytes[static_cast<size_t>(index)] = offset_bytes;
    packing.height_bytes = std::max(packing.height_bytes, offset_bytes + block.size_bytes);
  }
  return packing;
}

}  // namespace graphc
