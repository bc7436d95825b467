#include "compiler/placement/rematerialise.h"

#include <algorithm>

#include "compiler/placement/placed_graph_rewrite.h"

namespace graphc {
namespace {

bool is_read(const PlacedGraph& placed, PlacedValueId value) {
  const auto reads_value = [&](const PlacedOperand& read) { return read.value == value; };
  const bool is_resident = std::any_of(
      placed.resident_outputs.begin(), placed.resident_outputs.end(),
      [&](const std::optional<PlacedOperand>& output) { return output && reads_value(*output); });
  return is_resident || std::any_of(placed.ops.begin(), placed.ops.end(), [&](const PlacedOp& op) {
           return std::any_of(op.reads.begin(), op.reads.end(), reads_value);
         });
}

}  // namespace

bool can_rematerialise(const PlacedGraph& placed, PlacedValueId value) {
  const std::vector<PlacedOpId>& producers = placed.values[value].producers;
  if (producers.size() != 1) return false;
  const PlacedOp& op = placed.ops[producers.front()];
  // None of its results: all of them would be there a second time.
  return op.kind == PlacedOpKind::kNode &&
         std::none_of(op.writes.begin(), op.writes.end(),
                      [&](PlacedValueId result) { return placed.is_filled_at_load(result); });
}

PlacedGraph rematerialise(const PlacedGraph& placed, PlacedValueId value,
                          const std::vector<PlacedOpId>& readers) {
  CHECK(can_rematerialise(placed, value), "'" + placed.values[value].name + "' is computed once");
  CHECK(!readers.empty(), "a second computation that nobody reads");
  PlacedOp again = placed.ops[placed.values[value].producers.front()];
  again.name = without_remark(again.name);
  const std::vector<PlacedValueId> first_results = again.writes;
  std::vector<PlacedValue> results;
  for (const PlacedValueId first : first_results) {
    results.push_back(placed.values[first]);
    results.back().name = without_remark(results.back().name);
  }
  PlacedGraphRewrite rewrite(placed);
  const auto second_results = rewrite.add(std::move(again), std::move(results), "again");
  const auto number =
      std::find(first_results.begin(), first_results.end(), value) - first_results.begin();
  const PlacedValueId second = second_results[static_cast<size_t>(number)];
  rewrite.move_readers(value, second, readers);
  CHECK(is_read(rewrite.placed(), value),
        "the first computation of '" + placed.values[value].name + "' is left without readers");
  return rewrite.in_order();
}

}  // namespace graphc
