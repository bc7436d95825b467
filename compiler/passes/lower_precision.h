#pragma once

#include "compiler/graph/graph_request.h"

namespace graphc {

/// Whether results are to be stored in another precision than without: `train` asks for one, or a
/// node does.
bool asks_for_precision(const GraphRequest& request);

/// Lets results be stored in the precision that `train` asks for, or their node, with casts where a
/// node reads another type than it computes with. Parameters, states and inputs keep their types;
/// so do, unless their node says otherwise, results that the operator keeps in f32, single numbers,
/// what replaces a state, and all that no precision is asked for.
///
/// Runs before: differentiate - gradients get the types of what they are gradients of.
Result<GraphRequest> lower_precision(GraphRequest request, DiagnosticSink& diagnostics);

}  // namespace graphc
