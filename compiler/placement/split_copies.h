#pragma once

#include "compiler/machine/cost_model.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

struct SplitCopies {
  PlacedGraph placed;
  IdVector<PlacedOpId, PlacedOpId> origin;  ///< what each operation is, or is a block of
};

/// Divides large copies of what is made in blocks of rows, or read in blocks, so that the first
/// rows can travel while others are still worked on:
///
///   cpu.worker0   [w1_new[0:64]][w1_new[128:192]]
///   cpu.worker1   [w1_new[64:128]][w1_new[192:256]]
///   cpu->gpu0                     [w1 -> gpu0[0:128]][w1 -> gpu0[128:256]]
///
/// Batches are sent as they are: steps do not wait for them.
///
/// Runs after:  split_rows - it decides who makes and reads blocks.
/// Ensures:     verify_placed_graph passes.
SplitCopies split_copies(const PlacedGraph& placed, const BlockSizes& sizes);

}  // namespace graphc
