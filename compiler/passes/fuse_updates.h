#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Joins a matmul with the sgd_update that alone reads it into one matmul_sgd_update: the product
/// is added to the weights as it is computed, and the gradient is never written.
///
/// Products of more than two dimensions, and of the weights themselves, stay apart: the latter
/// could not be added in place. So do updates with a weight decay or with a rate that is an
/// operand: a product's update has neither.
///
/// An adam_update becomes an adam_step with the two averages that it alone reads, if both are of the
/// same gradient: each tensor is read and written once.
///
/// Runs after:       fuse_epilogues - a product with a bias or a relu is no plain gradient;
///                   divide - what is updated in shards is computed by nodes with one result.
/// Runs before:      placement - what is joined has one device and one cost.
/// Ensures:          running it again changes nothing; no number of the reference changes.
Result<Graph> fuse_updates(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
