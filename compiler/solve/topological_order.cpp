#include "compiler/solve/topological_order.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <utility>

namespace graphc {
namespace {

using Reads = std::vector<std::vector<size_t>>;

/// Tarjan's strongly connected components of the items that are left (SIAM J. Comput. 1, 1972),
/// without recursion: a chain of nodes may be as long as a file.
class StrongComponents {
 public:
  StrongComponents(const Reads& reads, const std::vector<char>& left)
      : reads_(reads),
        left_(left),
        number_(reads.size(), 0),
        low_(reads.size(), 0),
        component_(reads.size(), 0) {
    for (size_t item = 0; item < reads.size(); ++item) {
      if (left[item] != 0 && number_[item] == 0) walk(item);
    }
  }

  /// Two items on a common cycle have the same, above 0.
  size_t of(size_t item) const { return component_[item]; }

 private:
  struct ComponentVisit {
    size_t item;
    size_t next_read;
  };

  void enter(size_t item) {
    number_[item] = low_[item] = ++last_number_;
    unassigned_.push_back(item);
    path_.push_back({item, 0});
  }

  void walk(size_t start) {
    enter(start);
    while (!path_.empty()) {
      const size_t item = path_.back().item;
      if (path_.back().next_read == reads_[item].size()) {
        leave(item);
        continue;
      }
      const size_t source = reads_[item][path_.back().next_read++];
      if (left_[source] == 0 || component_[source] != 0) continue;
      if (number_[source] == 0) {
        enter(source);
      } else {
        low_[item] = std::min(low_[item], number_[source]);
      }
    }
  }

  void leave(size_t item) {
    path_.pop_back();
    if (!path_.empty()) low_[path_.back().item] = std::min(low_[path_.back().item], low_[item]);
    if (low_[item] != number_[item]) return;
    size_t member = 0;
    do {
      member = unassigned_.back();
      unassigned_.pop_back();
      component_[member] = number_[item];
    } while (member != item);
  }

  const Reads& reads_;
  const std::vector<char>& left_;
  std::vector<size_t> number_;  // in the order of visits, from 1
  std::vector<size_t> low_;
  std::vector<size_t> component_;
  std::vector<size_t> unassigned_;
  std::vector<ComponentVisit> path_;
  size_t last_number_ = 0;
};

/// Breadth first along what is read, so the cycle is a shortest one through `start`. `reader` is
/// scratch, empty for the items of this component.
std::vector<size_t> cycle_through(size_t start, const Reads& reads,
                                  const StrongComponents& components,
                                  std::vector<std::optional<size_t>>& reader) {
  std::queue<size_t> open;
  open.push(start);
  while (!open.empty()) {
    const size_t item = open.front();
    open.pop();
    for (const size_t source : reads[item]) {
      if (components.of(source) != components.of(start) || reader[source]) continue;
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

std::vector<std::vector<size_t>> cycles_among(const std::vector<char>& left, const Reads& reads) {
  const StrongComponents components(reads, left);
  std::vector<std::optional<size_t>> reader(reads.size());
  std::vector<char> is_searched(reads.size() + 1, 0);  // by component
  std::vector<std::vector<size_t>> cycles;
  for (size_t item = 0; item < reads.size(); ++item) {
    if (left[item] == 0 || is_searched[components.of(item)] != 0) continue;
    is_searched[components.of(item)] = 1;
    std::vector<size_t> cycle = cycle_through(item, reads, components, reader);
    if (!cycle.empty()) cycles.push_back(std::move(cycle));
  }
  return cycles;
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
  if (sorted.order.size() < reads.size()) sorted.cycles = cycles_among(left, reads);
  return sorted;
}

}  // namespace graphc
