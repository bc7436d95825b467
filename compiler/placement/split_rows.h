#pragma once

#include "compiler/machine/cost_model.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Divides operators of devices whose lanes work for themselves (workers of a CPU) into blocks of
/// rows, each an operation of its own: `w1_new[0:64]`. Who reads the result reads it as one value.
///
/// Runs after:  insert_copies - only then it is known what runs on which device.
/// Runs before: find_dependencies - a block depends on the blocks it reads alone.
/// Ensures:     verify_placed_graph passes.
PlacedGraph split_rows(const PlacedGraph& placed, const Machine& machine, const BlockSizes& sizes);

}  // namespace graphc
