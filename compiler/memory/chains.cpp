#include "compiler/memory/chains.h"

#include <algorithm>
#include <map>

namespace graphc {
namespace {

/// Pairs of accesses that are looked at to write one value over others: a hundred members with a
/// dozen accesses each, to a value with a dozen.
constexpr size_t kMaxPairs = 16'384;

using AccessesByValue = IdVector<PlacedValueId, std::vector<ValueAccess>>;

/// A value comes after what it is computed from.
void sort_by_producer(const PlacedGraph& placed, std::vector<PlacedValueId>& values) {
  const auto first_op = [&](PlacedValueId value) {
    const auto& producers = placed.values[value].producers;
    return producers.empty() ? -1 : producers.front().value();
  };
  std::stable_sort(values.begin(), values.end(),
                   [&](PlacedValueId a, PlacedValueId b) { return first_op(a) < first_op(b); });
}

class ChainBuilder {
 public:
  ChainBuilder(const PlacedGraph& placed, const AccessesByValue& accesses,
               const LeastDistance& distance)
      : placed_(placed), accesses_(accesses), distance_(distance) {}

  void add(PlacedValueId value) {
    const auto chain = find_chain(value);
    if (!chain) chains_.emplace_back();
    const size_t index = chain.value_or(chains_.size() - 1);
    chain_of_[value] = index;
    chains_[index].values.push_back(value);
    chains_[index].ends.add(accesses_[value]);
  }

  std::vector<Chain> take() { return std::move(chains_); }

 private:
  std::optional<size_t> find_chain(PlacedValueId value) const {
    const std::vector<PlacedOpId>& producers = placed_.values[value].producers;
    if (producers.empty()) return std::nullopt;
    const PlacedOp& op = placed_.ops[producers.front()];
    for (const PlacedOperand& read : op.reads) {
      const auto at = chain_of_.find(read.value);
      if (at == chain_of_.end() || !may_write_over(placed_, op, read.value, value)) continue;
      if (fits(value, chains_[at->second])) return at->second;
    }
    return std::nullopt;
  }

  bool fits(PlacedValueId value, const Chain& chain) const {
    if (is_read_later(chain, value)) return false;
    size_t num_pairs = 0;
    return std::all_of(chain.values.begin(), chain.values.end(), [&](PlacedValueId member) {
      num_pairs += accesses_[member].size() * accesses_[value].size();
      return num_pairs <= kMaxPairs &&
             are_disjoint_in_time(placed_, accesses_[member], accesses_[value], ShareKind::kInPlace,
                                  distance_);
    });
  }

  /// Whether the last accesses to a chain alone are in the way, as they are wherever somebody reads
  /// after `value` is written.
  bool is_read_later(const Chain& chain, PlacedValueId value) const {
    const auto reuse_distance = find_reuse_distance(placed_, chain.ends.last, accesses_[value],
                                                    ShareKind::kInPlace, distance_);
    return !reuse_distance || *reuse_distance > 0;
  }

  const PlacedGraph& placed_;
  const AccessesByValue& accesses_;
  const LeastDistance& distance_;
  std::vector<Chain> chains_;
  std::map<PlacedValueId, size_t> chain_of_;
};

}  // namespace

std::vector<Chain> find_chains(const PlacedGraph& placed, std::vector<PlacedValueId> values,
                               const AccessesByValue& accesses, const LeastDistance& distance) {
  sort_by_producer(placed, values);
  ChainBuilder builder(placed, accesses, distance);
  for (const PlacedValueId value : values) builder.add(value);
  return builder.take();
}

}  // namespace graphc
