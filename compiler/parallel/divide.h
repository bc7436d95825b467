#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/parallel.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Divides the batch as `parallel` says: every input is cut along its first dimension, and what can
/// be computed from the cuts is, on the devices named: `fc1` becomes `fc1_0` on the first and
/// `fc1_1` on the second. What sums or averages over the batch (a loss, the gradient of a
/// parameter) is computed in shares, which are added up where somebody needs the whole. Everything
/// else stays one node: what the user pinned, what updates a state, what needs all rows together.
/// A graph whose division is left to the compiler (`auto`) stays as it is.
///
/// Runs after:  differentiate - the backward pass is divided like the forward pass;
///              fold_transposes - a product's flag can be divided, a transposed batch not.
/// Runs before: the fusions - parts are fused, a fused node is not always divided.
/// Ensures:     outputs and states are what they were, to rounding.
/// Warns:       nothing is divided, as everything is pinned or needs all rows.
/// Errors:      a batch that cannot be divided: no input has a first dimension, those of two inputs
///              do not fit together, fewer rows than devices, numbers of rows that are not those of
///              the batch.
Result<Graph> divide(Graph graph, const Parallel& parallel, DiagnosticSink& diagnostics);

/// The rows of the batch: the smallest first dimension of the graph's inputs, which divides those
/// of the others. `where` is the place of `parallel`.
/// Errors: as above.
Result<int64_t> find_batch_size(const Graph& graph, const SourceRange& where,
                                DiagnosticSink& diagnostics);

}  // namespace graphc
