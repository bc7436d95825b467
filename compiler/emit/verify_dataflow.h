#pragma once

#include "compiler/graph/graph.h"
#include "runtime/plan/plan.h"

namespace graphc {

/// Checks that a plan computes a graph, for every step: nothing, or one sentence that names the
/// offender. Follows every operand to the instructions it names, through copies and rows, and reads
/// neither places, nor order, nor the names of instructions.
///
///   - A kernel applies the operator and the attributes of some node to that node's operands of the
///     same step; to make some rows, to the rows that the operator table asks for.
///   - A copy or a feed fills a buffer with a value of the graph, row by row at its own place; a
///     copy may also send the rows that a slice takes out of one.
///   - A state starts from its own initialiser and is replaced, on every device, by the value that
///     the graph names. A constant has the graph's content.
///   - Every node is computed, every row of it, and every output hands out its value.
///
/// Requires: verify_plan(plan) found nothing, so that every operand gets what its
/// producers wrote and every row of a buffer has one writer.
/// Cost: O(n log n) for a plan with n operands and producers.
Violation verify_dataflow(const Plan& plan, const Graph& graph);

}  // namespace graphc
