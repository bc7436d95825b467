#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "compiler/placement/park_on_host.h"
#include "compiler/placement/recompute.h"

namespace graphc {

/// Those who read the value of their own step, in the order of operations.
inline std::vector<PlacedOpId> readers_of(const PlacedGraph& placed, PlacedValueId value) {
  std::vector<PlacedOpId> readers;
  for (const PlacedOpId op : placed.ops.ids()) {
    const auto& reads = placed.ops[op].reads;
    const bool is_reader = std::any_of(reads.begin(), reads.end(), [&](const PlacedOperand& read) {
      return read.value == value && read.distance == 0;
    });
    if (is_reader) readers.push_back(op);
  }
  return readers;
}

struct RandomRewrites {
  PlacedGraph placed;
  int num_recomputed = 0;
  int num_parked = 0;
};

/// Values drawn at random, those that rewrites made among them, are recomputed or parked for some
/// of their readers.
inline RandomRewrites with_random_rewrites(const PlacedGraph& placed, const Machine& machine,
                                           unsigned seed, int num_tries) {
  std::mt19937 random(seed);
  RandomRewrites result{placed};
  for (int i = 0; i < num_tries; ++i) {
    const PlacedValueId value(random() % result.placed.values.size());
    const std::vector<PlacedOpId> all = readers_of(result.placed, value);
    std::vector<PlacedOpId> some;
    for (const PlacedOpId reader : all) {
      if (random() % 2 == 0) some.push_back(reader);
    }
    if (some.empty()) continue;
    const bool leaves_readers = some.size() < all.size();
    if (random() % 2 == 0 && leaves_readers && can_recompute(result.placed, value)) {
      result.placed = recompute(result.placed, value, some);
      ++result.num_recomputed;
    } else if (can_park(result.placed, value, machine)) {
      result.placed = park_on_host(result.placed, value, some, machine);
      ++result.num_parked;
    }
  }
  return result;
}

}  // namespace graphc
