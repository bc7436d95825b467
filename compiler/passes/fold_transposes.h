#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Lets a matmul read the operand of a transpose of the last two dimensions, and toggles its
/// transpose_a or transpose_b; two transposes in a row cancel out.
///
/// The products and the sums they enter are the same; the order of summation is the kernel's.
/// A transpose that the user kept, or pinned to another device than the matmul, is left alone; one
/// that has other users stays for them.
///
/// Runs before:      merge_equal_nodes - folded matmuls become equal; remove_dead_nodes - takes the
///                   transposes away.
/// Ensures:          no matmul reads such a transpose.
Result<Graph> fold_transposes(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
