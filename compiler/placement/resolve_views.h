#pragma once

#include "compiler/machine/machine.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Takes out the operations that only give elements of a device's memory another name. Who reads a
/// slice reads those rows of its operand, who reads a reshape its operand in that shape; what a
/// concat puts together is made in its bytes:
///
///     gpu0  a = relu(x@gpu0) : f32[64, 8] in a@gpu0
///     gpu0  b = tanh(x@gpu0) : f32[64, 8] in b@gpu0
///     gpu0  c = concat(a@gpu0, b@gpu0) : f32[128, 8] in c@gpu0
///     gpu0  d = slice(y@gpu0) : f32[64, 8] in d@gpu0
///     gpu0  r = reshape(c@gpu0) : f32[32, 32] in r@gpu0
///     gpu0  e = add(b@gpu0, d@gpu0) : f32[64, 8] in e@gpu0
///     gpu0  f = exp(r@gpu0) : f32[32, 32] in f@gpu0
///   becomes
///     gpu0  a = relu(x@gpu0) : f32[64, 8] in c@gpu0[0:64]
///     gpu0  b = tanh(x@gpu0) : f32[64, 8] in c@gpu0[64:128]
///     gpu0  e = add(c@gpu0[64:128], y@gpu0[64:128]) : f32[64, 8] in e@gpu0
///     gpu0  f = exp(c@gpu0 as [32, 32]) : f32[32, 32] in f@gpu0
///
/// An operation stays where its result is handed out, or kept by the user; a slice or a reshape
/// also where it replaces a state, is no whole rows of its operand, or is sent by a host; a concat where a part is a
/// state, an input, a constant, a view or one of several results, is handed out, is part of another
/// concat, or twice of this one; and where a part of a state's next value would need the old value
/// beside it. On accelerators kernels may count on aligned operands, so there rows begin at
/// multiples of kBufferAlignmentBytes; on hosts, workers share rows of what they read, so those are
/// whole rows of the value.
///
/// Runs after:  the copies are in place: only then is it known what lies on one device.
/// Runs before: split_rows, which divides what is read and made here like anything else.
/// Ensures:     verify_placed_graph passes. Cost: O(n log n) for n operands.
PlacedGraph resolve_views(const PlacedGraph& placed, const Machine& machine);

}  // namespace graphc
