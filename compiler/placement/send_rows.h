#pragma once

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Sends rows alone where rows alone are read. Where all that a device does with what a copy brings
/// is to cut rows out of it, once, those rows travel instead, and the cut is a copy:
///
///     cpu->gpu0  x -> gpu0 : f32[8, 4]                          cpu->gpu0  x_0 (x@cpu[0:4]) :
///     f32[4, 4] gpu0       x_0 = slice(x@gpu0) {begin = 0, end = 4}
///
/// So a batch that is divided is not sent to every device as a whole, nor cut by anybody.
///
/// Runs after:  the copies are in place.
/// Ensures:     no more bytes travel than before; names of nodes stay those of operations.
PlacedGraph send_rows(const PlacedGraph& placed);

}  // namespace graphc
