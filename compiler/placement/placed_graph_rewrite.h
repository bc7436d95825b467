#pragma once

#include <string_view>
#include <vector>

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Adds operations to a placed graph and moves readers over to what they make. Values keep their
/// ids, new ones come last; operations keep theirs until they are ordered.
class PlacedGraphRewrite {
 public:
  explicit PlacedGraphRewrite(const PlacedGraph& placed) : placed_(placed) {}

  const PlacedGraph& placed() const { return placed_; }

  /// Adds `op` as the last one, and a value of its own that it writes, on the op's destination.
  /// Both names get the remark and, where that is taken, a number: `h1 (again)`, `h1 (again 2)`;
  /// without a remark the number alone. Names of users hold no blanks, so none of theirs is taken.
  PlacedValueId add(PlacedOp op, PlacedValue value, std::string_view remark);
  /// The same for an op with several results.
  std::vector<PlacedValueId> add(PlacedOp op, std::vector<PlacedValue> values,
                                 std::string_view remark);

  /// `readers` read `to` where they read `from` of this step. Requires: each of them does.
  void move_readers(PlacedValueId from, PlacedValueId to, const std::vector<PlacedOpId>& readers);

  /// With new operations right in front of the first who needs them.
  PlacedGraph in_order() const;
  /// The same, and `op` right behind `earlier` if it stood later.
  PlacedGraph in_order_with(PlacedOpId op, PlacedOpId earlier) const;

 private:
  PlacedGraph placed_;
};

/// Every value is made by `parts` of those that made it, in the order of their rows; for each of them
/// its parts in that order.
void replace_producers(PlacedGraph& placed,
                       const IdVector<PlacedOpId, std::vector<PlacedOpId>>& parts);

/// The name without what PlacedGraphRewrite added to it; only for names without blanks of their
/// own, such as those of nodes and values.
std::string without_remark(const std::string& name);

}  // namespace graphc
