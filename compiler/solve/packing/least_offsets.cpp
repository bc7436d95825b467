#include "compiler/solve/packing/least_offsets.h"

#include <algorithm>

namespace graphc {
namespace {

/// Bounds that raise each other could do so byte by byte; what is given up is only pruning.
constexpr int kMaxTightenRounds = 4;

}  // namespace

LeastOffsets::LeastOffsets(const Strip& strip)
    : blocks_(strip.blocks),
      neighbours_(strip.blocks.size()),
      twins_(strip.blocks.size()),
      members_(to_index(strip.num_sections)),
      support_(strip.blocks.size(), -1) {
  std::vector<int32_t> alive;  // blocks are numbered by begin
  for (int32_t id = 0; to_index(id) < blocks_.size(); ++id) {
    const Block& added = block(id);
    std::erase_if(alive, [&](int32_t other) { return block(other).end <= added.begin; });
    for (const int32_t other : alive) {
      neighbours_[to_index(id)].push_back(other);
      neighbours_[to_index(other)].push_back(id);
      if (block(other).begin != added.begin || block(other).end != added.end) continue;
      twins_[to_index(id)].push_back(other);
      twins_[to_index(other)].push_back(id);
    }
    alive.push_back(id);
    for (int32_t s = added.begin; s < added.end; ++s) members_[to_index(s)].push_back(id);
  }
}

void LeastOffsets::start(int64_t capacity_bytes) {
  capacity_bytes_ = capacity_bytes;
  trail_.clear();
  drop_bytes_.assign(blocks_.size(), 0);
  least_bytes_.assign(blocks_.size(), 0);
  passed_bytes_.assign(blocks_.size(), -1);
  load_bytes_.assign(members_.size(), 0);
  num_across_.assign(members_.size(), 0);
  top_bytes_.assign(members_.size(), 0);
  open_bytes_.clear();
  for (const Block& block : blocks_) {
    open_bytes_.push_back(block.size_bytes);
    for (int32_t s = block.begin; s < block.end; ++s) {
      load_bytes_[to_index(s)] += block.size_bytes;
      if (s > block.begin) ++num_across_[to_index(s)];
    }
  }
}

int LeastOffsets::num_walls(int32_t id, SectionRange range) const {
  const auto is_wall = [&](int32_t section) {
    if (section < range.begin || section >= range.end) return true;
    return load_bytes_[to_index(section)] == 0 || top_bytes_[to_index(section)] > drop_bytes(id);
  };
  return (is_wall(block(id).begin - 1) ? 1 : 0) + (is_wall(block(id).end) ? 1 : 0);
}

void LeastOffsets::find_parts(SectionRange range, std::vector<SectionRange>& parts) const {
  for (int32_t begin = range.begin; begin < range.end;) {
    int32_t end = begin + 1;
    while (end < range.end && num_across_[to_index(end)] > 0) ++end;
    if (load_bytes_[to_index(begin)] > 0) parts.push_back({begin, end});
    begin = end;
  }
}

bool LeastOffsets::place(int32_t id, const std::vector<int32_t>& open, SectionRange range) {
  const Block& placed = block(id);
  const int64_t bottom_bytes = drop_bytes(id);
  const int64_t top_bytes = bottom_bytes + placed.size_bytes;
  overwrite(open_bytes_[to_index(id)], 0);
  overwrite(least_bytes_[to_index(id)], kPlacedBytes);
  for (int32_t s = placed.begin; s < placed.end; ++s) {
    overwrite(load_bytes_[to_index(s)], load_bytes_[to_index(s)] - placed.size_bytes);
    overwrite(top_bytes_[to_index(s)], top_bytes);
    if (s > placed.begin) overwrite(num_across_[to_index(s)], num_across_[to_index(s)] - 1);
  }
  changed_ = {placed.begin, placed.end};
  for (const int32_t other : neighbours_[to_index(id)]) {
    if (!is_open(other)) continue;
    if (drop_bytes(other) < top_bytes) overwrite(drop_bytes_[to_index(other)], top_bytes);
    if (!raise(other, top_bytes)) return false;
  }
  for (int32_t s = range.begin; s < range.end; ++s) {
    const int64_t load_bytes = load_bytes_[to_index(s)];
    if (load_bytes > 0 && bottom_bytes > capacity_bytes_ - load_bytes) return false;
  }
  for (const int32_t other : open) {
    if (is_open(other) && is_passed(other) && !lift(other, bottom_bytes)) return false;
  }
  return tighten(bottom_bytes, top_bytes);
}

bool LeastOffsets::pass(int32_t id) {
  overwrite(passed_bytes_[to_index(id)], drop_bytes(id));
  changed_ = {block(id).begin, block(id).begin};
  return lift(id, drop_bytes(id)) && tighten(drop_bytes(id), drop_bytes(id));
}

/// Raises a passed block to the top of the lowest neighbour that it may come to lie on.
bool LeastOffsets::lift(int32_t id, int64_t bottom_bytes) {
  const auto top_bytes = [&](int32_t other) {
    return std::max(bottom_bytes, least_bytes_[to_index(other)]) + open_bytes_[to_index(other)];
  };
  const int32_t support = support_[to_index(id)];
  if (support >= 0 && is_open(support) && top_bytes(support) <= least_bytes_[to_index(id)]) {
    return true;  // no need to look for a lower one
  }
  int64_t lowest_bytes = kPlacedBytes;
  for (const int32_t other : neighbours_[to_index(id)]) {
    const int64_t other_bytes = top_bytes(other);
    if (other_bytes >= lowest_bytes) continue;
    lowest_bytes = other_bytes;
    support_[to_index(id)] = other;
  }
  return lowest_bytes < kPlacedBytes && raise(id, lowest_bytes);
}

bool LeastOffsets::raise(int32_t id, int64_t least_bytes) {
  if (least_bytes_[to_index(id)] >= least_bytes) return true;
  if (least_bytes > capacity_bytes_ - block(id).size_bytes) return false;
  overwrite(least_bytes_[to_index(id)], least_bytes);
  changed_.begin = std::min(changed_.begin, block(id).begin);
  changed_.end = std::max(changed_.end, block(id).end);
  return true;
}

bool LeastOffsets::tighten(int64_t bottom_bytes, int64_t top_bytes) {
  for (int round = 0; round < kMaxTightenRounds && changed_.begin < changed_.end; ++round) {
    const SectionRange changed = std::exchange(changed_, {INT32_MAX, 0});
    for (int32_t s = changed.begin; s < changed.end; ++s) {
      if (!tighten_section(s, bottom_bytes, top_bytes)) return false;
    }
  }
  return true;
}

bool LeastOffsets::tighten_section(int32_t section, int64_t bottom_bytes, int64_t top_bytes) {
  const int64_t load_bytes = load_bytes_[to_index(section)];
  if (load_bytes == 0) return true;
  // What lies higher than this cannot be the lowest.
  const int64_t most_bytes = capacity_bytes_ - load_bytes;
  const std::vector<int32_t>& members = members_[to_index(section)];
  int64_t above_bytes = 0;
  int64_t lowest_top_bytes = kPlacedBytes;
  int64_t least_of_higher_bytes = kPlacedBytes;
  for (const int32_t id : members) {
    const int64_t least_bytes = least_bytes_[to_index(id)];
    const int64_t size_bytes = open_bytes_[to_index(id)];
    above_bytes += least_bytes >= top_bytes ? size_bytes : 0;
    if (least_bytes <= most_bytes) {
      lowest_top_bytes =
          std::min(lowest_top_bytes, std::max(least_bytes, bottom_bytes) + size_bytes);
    } else {
      least_of_higher_bytes = std::min(least_of_higher_bytes, least_bytes);
    }
  }
  if (lowest_top_bytes == kPlacedBytes || above_bytes > capacity_bytes_ - top_bytes) return false;
  if (least_of_higher_bytes >= lowest_top_bytes) return true;
  for (const int32_t id : members) {
    if (least_bytes_[to_index(id)] <= most_bytes || !is_open(id)) continue;
    if (!raise(id, lowest_top_bytes)) return false;
  }
  return true;
}

void LeastOffsets::undo_to(size_t num_changes) {
  while (trail_.size() > num_changes) {
    *trail_.back().place = trail_.back().old_value;
    trail_.pop_back();
  }
}

}  // namespace graphc
