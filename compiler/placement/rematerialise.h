#pragma once

#include <vector>

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Whether the value can be computed a second time from what it was computed from: one node of its
/// own device makes it whole, in every step. Not so for what is filled in at load (a constant, a
/// state and with it the state's next value), for copies and for feeds.
///
/// Every operator gives the same bits from the same operands, so a second computation is as good.
bool can_rematerialise(const PlacedGraph& placed, PlacedValueId value);

/// `readers` read a second computation of `value`, made by an operation of its own right before the
/// first of them in the order of operations; all others go on reading the first, which dies sooner.
///
///   before   [h]  [a reads h]  ...  [b reads h]
///   after    [h]  [a reads h]  ...  [h (again)]  [b reads h (again)]
///
/// What the second computation reads lives until then; it may be rematerialised or offloaded in
/// turn, with the new operation as its reader. Values keep their ids, the new one comes last;
/// operations are numbered anew.
///
/// Runs after:  insert_copies, and offload_to_host or itself any number of times.
/// Runs before: split_rows - it divides both computations into the same blocks.
/// Requires:    can_rematerialise; `readers` are not empty and read `value` in its own step; at
///              least one more reads it, or it is an output that stays.
/// Ensures:     verify_placed_graph passes.
PlacedGraph rematerialise(const PlacedGraph& placed, PlacedValueId value,
                          const std::vector<PlacedOpId>& readers);

}  // namespace graphc
