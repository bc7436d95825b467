#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Lets an operator that works element by element read the operand of a `broadcast`, where it would
/// repeat that by itself: its result keeps its type, and it can still become a part of a chain
/// (fuse_elementwise.h). Then nobody writes the repeated elements.
///
/// No number changes. A broadcast that the user kept, or pinned to another device than the reader,
/// is left alone; one that has other users stays for them.
///
/// Runs after:       fold_constants - what is repeated may be a constant by then.
/// Runs before:      merge_equal_nodes - readers become equal; divide - what is repeated for every
///                   row of the batch is no part of it; remove_dead_nodes - takes the broadcasts
///                   away.
/// Ensures:          running it again changes nothing.
Result<Graph> fold_broadcasts(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
