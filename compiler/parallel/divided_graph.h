#pragma once

#include <cstdint>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/graph/parallel.h"
#include "compiler/parallel/division.h"

namespace graphc {

/// The graph in parts, `rows[i]` rows of the batch on the device of the i-th. Cuts, sums and other
/// ways from parts to a whole are added where a reader needs them. Over several hosts, shares are
/// summed inside each host first and then over the hosts, both in order; with `shards`, what is
/// small is updated on one device.
/// Requires: `division` is that of `graph`; the rows, one number for each part of the batch in
///           `parallel`, are above 0 and together the batch.
Graph build_divided(const Graph& graph, const Division& division, const Parallel& parallel,
                    const std::vector<int64_t>& rows);

}  // namespace graphc
