#pragma once

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Sinks a slice across a copy: if the only use of a copied value on its destination is one slice of
/// rows, only those rows are copied, and the slice is the copy:
///
///     cpu->gpu0  x -> gpu0 : f32[8, 4]
///     gpu0       x_0 = slice(x@gpu0) {begin = 0, end = 4}
///   becomes
///     cpu->gpu0  x_0 (x@cpu[0:4]) : f32[4, 4]
///
/// So a batch that is divided is not sent to every device as a whole, nor cut by anybody. On a way
/// over several links that leads to another host, the message on it is those rows, too.
///
/// Runs after:  the copies are in place.
/// Ensures:     no more bytes travel than before; names of nodes stay those of operations.
PlacedGraph sink_slices(const PlacedGraph& placed, const Machine& machine);

}  // namespace graphc
