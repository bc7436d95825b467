#include "compiler/placement/feed_wanted_rows.h"

#include <algorithm>

namespace graphc {

PlacedGraph feed_wanted_rows(PlacedGraph placed, const Machine& machine) {
  if (machine.hosts.empty()) return placed;
  // From the first row that is wanted to the last.
  IdVector<PlacedValueId, std::optional<RowRange>> wanted(placed.values.size());
  const auto add = [&](const PlacedOperand& read) {
    const RowRange rows = rows_or_all(placed.type_of(read.value), read.rows);
    const RowRange before = wanted[read.value].value_or(rows);
    wanted[read.value] = {std::min(before.begin, rows.begin), std::max(before.end, rows.end)};
  };
  for (const PlacedOp& op : placed.ops) {
    for (const PlacedOperand& read : op.reads) add(read);
  }
  for (const auto& output : placed.resident_outputs) {
    if (output) add(*output);
  }
  for (PlacedOp& op : placed.ops) {
    if (op.kind != PlacedOpKind::kFeed || op.rows || !wanted[op.writes.front()]) continue;
    const RowRange rows = *wanted[op.writes.front()];
    if (rows != rows_or_all(placed.type_of(op.writes.front()), {})) op.rows = rows;
  }
  return placed;
}

}  // namespace graphc
