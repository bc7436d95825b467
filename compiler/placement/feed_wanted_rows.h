#pragma once

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Where a host's devices take only some rows of a batch, the host reads no others:
///
///     h1/cpu        feed x@h1/cpu
///     h1/cpu->gpu0  x_1 (x@h1/cpu[4:8])
///   becomes
///     h1/cpu        feed x@h1/cpu[4:8]
///
/// One host reads its batches whole.
///
/// Runs after:  the copies are in place, and take no more rows than somebody wants.
/// Ensures:     no row is read that was not written.
PlacedGraph feed_wanted_rows(PlacedGraph placed, const Machine& machine);

}  // namespace graphc
