#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Joins elementwise nodes with the only reader of their result, where that is elementwise too:
/// they become one `elementwise` node with the name of the last, and what is between them is never
/// written.
///
/// What `elementwise` cannot do stays apart: integers, operands that are repeated in other ways
/// than along the first dimensions, the second of two results that one node reads, and what would
/// have more inputs or steps than a chain takes. A node alone stays what it is.
///
/// Runs after:       fuse_epilogues, fuse_updates - a bias, a relu or an update costs a product
///                   nothing, so products come first.
/// Runs before:      placement - what is joined has one device and one cost.
/// Ensures:          running it again changes nothing; no number of the reference changes.
Result<Graph> fuse_elementwise(Graph graph, DiagnosticSink& diagnostics);

}  // namespace graphc
