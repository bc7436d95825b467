#pragma once

#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

/// Blocks, sections and ranks are numbered by int32_t, which halves what a search touches.
constexpr size_t to_index(int32_t number) { return static_cast<size_t>(number); }

/// A request in compressed time: alive in the sections begin, ..., end - 1.
struct Block {
  int64_t size_bytes = 0;
  int32_t begin = 0;
  int32_t end = 0;

  int32_t num_sections() const { return end - begin; }
};

inline bool overlap_in_time(const Block& a, const Block& b) {
  return a.begin < b.end && b.begin < a.end;
}

/// A range of time in which something is alive throughout: what the packers pack. Blocks are
/// numbered in the order of their begin. A section is a largest set of blocks that are alive at one
/// time; times at which a subset of them is alive say nothing new and are left out.
///
///   time      0  1  2  3  4  5         sections     0  1
///   b0       [---------)               b0          [--)
///   b1          [------------)         b1          [-----)
///   b2                   [-----)       b2             [--)
struct Strip {
  std::vector<Block> blocks;
  std::vector<RequestId> requests;  ///< by block
  int32_t num_sections = 0;
  int64_t max_load_bytes = 0;
  int64_t num_overlaps = 0;  ///< pairs of blocks that are alive at one time
};

/// Offsets by block.
struct StripPacking {
  std::vector<int64_t> offset_bytes;
  int64_t height_bytes = 0;
};

/// Cuts time where nothing is alive. Requests without bytes or without life are in no strip.
std::vector<Strip> split_into_strips(const IntervalProblem& problem);

}  // namespace graphc
