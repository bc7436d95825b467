#pragma once

#include "compiler/lower/decisions.h"
#include "compiler/lower/target.h"
#include "compiler/sync/synchronised.h"

/// The way from a typed graph to the level before the plan, written once: every stage in its order,
/// each with its gate. Nothing is tried here and nothing chosen; what `decisions` leave open, their
/// order, the scheduler finds.
namespace graphc {

/// Whether every level is checked by its verifier, which is simpler than the stage that made it.
/// Searches do without: what they choose is lowered again with all gates.
enum class Gates : uint8_t { kNone, kAll };

/// Level 2, before anything is given up for memory.
/// Errors: no route between two devices.
Result<Shared<PlacedGraph>> lower_to_copies(const Target& target, const Shared<Graph>& graph,
                                            const Decisions& decisions, Gates gates,
                                            DiagnosticSink& diagnostics);

/// Levels 2 and 3: rewrites for memory, blocks of rows and of copies, dependencies.
Shared<TaskGraph> lower_to_tasks(const Target& target, const Shared<PlacedGraph>& placed,
                                 const Decisions& decisions, Gates gates);

/// Level 4.
/// Requires: an order, if there is one, is of these tasks.
Shared<Schedule> lower_to_schedule(const Target& target, const Shared<TaskGraph>& tasks,
                                   const Decisions& decisions, Gates gates);

/// Levels 5 and 6.
Synchronised lower_to_waits(const Target& target, const Shared<Schedule>& schedule, Gates gates);

struct Lowered {
  Shared<PlacedGraph> whole;  ///< before anything was given up for memory
  Synchronised synchronised;
};

/// All of it, with all gates.
/// Errors: no route between two devices.
Result<Lowered> lower(const Target& target, const Shared<Graph>& graph, const Decisions& decisions,
                      DiagnosticSink& diagnostics);

}  // namespace graphc
