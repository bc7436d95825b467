#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Lets a matmul do what follows it while it writes its result: `add` of a bias f32[N], `add` of a
/// matrix of the result's type, then `relu`. Two nodes or more become one matmul with the name of the
/// last.
///
/// An operator that takes an addend adds what its result is added to.
///
/// A product that anything else reads, or that the user kept or pinned elsewhere, stays apart. A matrix
/// or an addend is taken along only where it is there before the other can run in any case, as where a
/// block of layers is added to what it reads: nothing waits for more than it did.
///
/// Runs after:       fold_transposes - products have their last form; merge_equal_nodes - equal
///                   products have all their readers; remove_dead_nodes - no reader is dead.
/// Runs before:      placement - what is joined has one device and one cost.
/// Ensures:          running it again changes nothing; no number of the reference changes.
Result<Graph> fuse_epilogues(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
