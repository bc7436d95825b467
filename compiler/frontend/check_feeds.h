#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"

namespace graphc {

/// Opens the feed of every input: it exists, its element type is the input's or both are integers,
/// its rows have the input's row shape, and all feeds have the same number of rows.
/// Cost: reads headers, no data.
/// Errors: each of them, at the place of the path.
void check_feeds(const GraphDeclarations& declarations, DiagnosticSink& diagnostics);

}  // namespace graphc
