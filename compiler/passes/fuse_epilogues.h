#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Lets a matmul do what follows it while it writes its result: `add` of a bias f32[N], then
/// `relu`. Two or three nodes become one matmul with the name of the last.
///
/// An operator that takes an addend adds what its result is added to, if that is there before it can
/// run in any case: nothing waits for more than it did.
///
/// A product that anything else reads, or that the user kept or pinned elsewhere, stays apart.
///
/// Runs after:       fold_transposes - products have their last form; merge_equal_nodes - equal
///                   products have all their readers; remove_dead_nodes - no reader is dead.
/// Runs before:      placement - what is joined has one device and one cost.
/// Ensures:          running it again changes nothing; no number of the reference changes.
Result<Graph> fuse_epilogues(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
