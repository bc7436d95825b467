#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "compiler/placement/offload.h"
#include "compiler/placement/rematerialise.h"

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
  int num_rematerialised = 0;
  int num_offloaded = 0;
};

/// Some of those who read the value of their own step, at least one.
inline std::vector<PlacedOpId> some_of(const std::vector<PlacedOpId>& readers,
                                       std::mt19937& random) {
  std::vector<PlacedOpId> some = {readers[random() % readers.size()]};
  for (const PlacedOpId reader : readers) {
    if (reader != some.front() && random() % 3 == 0) some.push_back(reader);
  }
  return some;
}

/// The values that pass; nothing is drawn in vain.
template <class Predicate>
std::vector<PlacedValueId> values_with(const PlacedGraph& placed, Predicate predicate) {
  std::vector<PlacedValueId> values;
  for (const PlacedValueId value : placed.values.ids()) {
    if (predicate(value)) values.push_back(value);
  }
  return values;
}

/// Values drawn at random, those that rewrites made among them, are rematerialised or offloaded for
/// some of their readers.
inline RandomRewrites with_random_rewrites(const PlacedGraph& original, const Machine& machine,
                                           unsigned seed, int num_tries) {
  std::mt19937 random(seed);
  RandomRewrites result{original};
  PlacedGraph& placed = result.placed;
  for (int i = 0; i < num_tries; ++i) {
    const bool is_rematerialised = random() % 2 == 0;
    const auto values = values_with(placed, [&](PlacedValueId value) {
      const size_t num_readers = readers_of(placed, value).size();
      return is_rematerialised ? num_readers > 1 && can_rematerialise(placed, value)
                               : num_readers > 0 && can_offload(placed, value, machine);
    });
    if (values.empty()) continue;
    const PlacedValueId value = values[random() % values.size()];
    const std::vector<PlacedOpId> all = readers_of(placed, value);
    std::vector<PlacedOpId> some = some_of(all, random);
    if (is_rematerialised && some.size() == all.size()) some.pop_back();
    placed = is_rematerialised ? rematerialise(placed, value, some)
                               : offload_to_host(placed, value, some, machine);
    ++(is_rematerialised ? result.num_rematerialised : result.num_offloaded);
  }
  return result;
}

}  // namespace graphc
