#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/machine/cost_model.h"

namespace graphc {

/// No step takes longer (3 days): sums of times over all lanes, launches and steps that anybody
/// asks for stay far from overflow.
inline constexpr int64_t kMaxStepNs = int64_t{1} << 48;

/// Whether what is computed from the figures of a machine stays in range for this graph, wherever
/// its nodes run and its values are sent: the time of a step, the bytes of all values. Figures may
/// be sensible one by one, and a second for a launch still be too long for a million nodes.
///
/// Errors: the device or link that takes longest, at its place in the machine file, with a note at
///         the node; the largest value.
Result<void> check_figures(const Graph& graph, const Machine& machine, const CostModel& costs,
                           DiagnosticSink& diagnostics);

}  // namespace graphc
