#pragma once

#include "compiler/placement/assignment.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Puts every node on its device, or its devices, and makes every crossing of devices an explicit
/// copy along the cheapest route of links; one copy per (value, destination). The next value of a
/// state travels in the step that computes it. Rows that are only cut out or put together are taken
/// where they lie (sink_slices.h, resolve_views.h).
///
/// Runs after:  choose_placement - it decides which edges cross.
/// Runs before: find_dependencies - copies occupy a link and are scheduled like any task.
/// Ensures:     verify_placed_graph passes.
/// Errors:      no route between two devices (names both, points at the consumer).
Result<PlacedGraph> insert_copies(const Shared<Graph>& graph, const Assignment& assignment,
                                  const Machine& machine, DiagnosticSink& diagnostics);

}  // namespace graphc
