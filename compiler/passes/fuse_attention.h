#pragma once

#include "compiler/graph/graph_request.h"

namespace graphc {

/// Puts one `attention` in the place of a softmax of the products of queries and keys that is
/// multiplied with values, where nothing else reads what lies between. Transposes of heads in front
/// of it and behind it go with it.
///
/// Runs before: differentiate - the backward pass then is one operator as well.
Result<GraphRequest> fuse_attention(GraphRequest request, DiagnosticSink& diagnostics);

}  // namespace graphc
