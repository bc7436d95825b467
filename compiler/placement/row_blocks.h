#pragma once

#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/machine/cost_model.h"

namespace graphc {

/// The blocks of rows that a node's result is made in where lanes work for themselves (workers of
/// a CPU): one after the other from row 0 to the last. One block, if its rows cannot be made alone
/// or are too little work to share.
///
/// Depends on the operator and its shapes, not on the machine, so the same graph gives the same
/// bits with any number of workers.
std::vector<RowRange> row_blocks(const Graph& graph, NodeId node, const BlockSizes& sizes);

/// The blocks of rows that a batch is brought into the host's memory in: one for each thread that
/// reads, if it is worth that. Whatever the blocks, the bytes are the same.
std::vector<RowRange> feed_blocks(const TensorType& batch, int32_t num_readers,
                                  const BlockSizes& sizes);

/// The blocks that a value is sent in, or asked for, where it is made or read in `blocks`: as few
/// of those together as are worth a copy. One block or none: it travels whole.
std::vector<RowRange> copy_blocks(const TensorType& type, const std::vector<RowRange>& blocks,
                                  const BlockSizes& sizes);

}  // namespace graphc
