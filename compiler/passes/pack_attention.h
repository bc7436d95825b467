#pragma once

#include "compiler/graph/graph_request.h"

namespace graphc {

/// Lets one product make the queries, keys and values of attention, and attention read them there:
///
///     q = matmul(x, wq, bq)                     w = concat(wq, wk, wv) {axis = 1}
///     k = matmul(x, wk, bk)                     b = concat(bq, bk, bv)
///     v = matmul(x, wv, bv)             ->      qkv = matmul(x, w, b)
///     y = attention(q, k, v), by heads          y = packed_attention(qkv), by heads
///
/// So the gradient by x is one product, too, where it was three and their sums. The states stay apart:
/// concat puts copies of them beside each other. Where they are cast before, the whole is cast, so
/// that their gradients are not rounded on the way.
///
/// Left alone: what anything else reads, is kept, or pinned elsewhere; products of other operands, or
/// with other attributes; and where x has so few rows that copying the weights moves more bytes
/// than are saved.
///
/// Runs after:  fuse_attention, lower_precision - attention and all casts are there.
/// Runs before: differentiate - what it makes of the joined product is one product for each gradient;
///              remove_dead_nodes - takes away the nodes that nothing reads any more.
Result<GraphRequest> pack_attention(GraphRequest request, DiagnosticSink& diagnostics);

}  // namespace graphc
