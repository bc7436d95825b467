#pragma once

#include <vector>

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Whether the value can wait in the host's memory until it is needed again: it is made in every
/// step, by one kernel or copy, on another device than the host, and a link leads there and back.
/// Not so for what is filled in at load (a constant, a state and with it the state's next value).
bool can_offload(const PlacedGraph& placed, PlacedValueId value, const Machine& machine);

/// `readers` read what was copied to the host as soon as it was made and is copied back before the
/// first of them; all others go on reading the value itself, which dies sooner.
///
///   before   [h]              [a reads h]  ...                 [b reads h]
///   after    [h]  [h -> cpu]  [a reads h]  ...  [h -> gpu0 (back)]  [b reads h@gpu0 (back)]
///
/// If the host has it already, by copies of the same computation that need none of `readers`, no
/// second one is made; where that copy came later in the order of operations it moves up to where
/// the value is made. What is copied back may be offloaded again. Values keep their ids, new ones
/// come last; operations are numbered anew.
///
/// Runs after:  insert_copies, and rematerialise or itself any number of times.
/// Runs before: split_rows.
/// Requires:    can_offload; `readers` are not empty and read `value` in its own step.
/// Ensures:     verify_placed_graph passes.
PlacedGraph offload_to_host(const PlacedGraph& placed, PlacedValueId value,
                            const std::vector<PlacedOpId>& readers, const Machine& machine);

}  // namespace graphc
