#include "compiler/graph/topological_order.h"

#include <functional>
#include <optional>
#include <queue>

namespace graphc {
namespace {

using Reads = std::vector<std::vector<size_t>>;

// Breadth first along what is read, so the cycle is a shortest one through `start`.
std::vector<size_t> cycle_through(size_t start, const Reads& reads, const std::vector<char>& left) {
  std::vector<std::optional<size_t>> reader(reads.size());
  std::queue<size_t> open;
  open.push(start);
  while (!open.empty()) {
    const size_t item = open.front();
    open.pop();
    for (const size_t source : reads[item]) {
      if (left[source] == 0 || reader[source]) continue;
      reader[source] = item;
      if (source != start) {
        open.push(source);
        continue;
      }
      // `item` reads the start; from there on, each one's reader.
      std::vector<size_t> cycle = {start};
      for (size_t at = item; at != start; at = *reader[at]) cycle.push_back(at);
      return cycle;
    }
  }
  return {};
}

}  // namespace

TopologicalOrder sort_topologically(const Reads& reads) {
  TopologicalOrder sorted;
  Reads readers(reads.size());
  std::vector<size_t> num_missing(reads.size(), 0);
  for (size_t item = 0; item < reads.size(); ++item) {
    num_missing[item] = reads[item].size();
    for (const size_t source : reads[item]) readers[source].push_back(item);
  }
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
  for (size_t item = 0; item < reads.size(); ++item) {
    if (num_missing[item] == 0) ready.push(item);
  }
  std::vector<char> left(reads.size(), 1);
  while (!ready.empty()) {
    const size_t item = ready.top();
    ready.pop();
    left[item] = 0;
    sorted.order.push_back(item);
    for (const size_t reader : readers[item]) {
      if (--num_missing[reader] == 0) ready.push(reader);
    }
  }
  for (size_t item = 0; item < reads.size(); ++item) {
    if (left[item] == 0) continue;
    const std::vector<size_t> cycle = cycle_through(item, reads, left);
    for (const size_t member : cycle) left[member] = 0;
    if (!cycle.empty()) sorted.cycles.push_back(cycle);
  }
  return sorted;
}

}  // namespace graphc
