#pragma once

#include <filesystem>

#include "compiler/sync/synchronised.h"
#include "runtime/plan/plan.h"

namespace graphc {

struct PlanContext {
  /// The graph as it was before any pass, with types: what the runtime checks results against.
  SourceGraph source;
  Fingerprints fingerprints;
  /// Feeds are stored relative to it, so that plan and data move together.
  std::filesystem::path plan_folder;
};

/// Writes the last level down as a plan: lanes, instructions, operands with their producers,
/// buffers and predicted times. Takes no decision.
///
/// Runs after: remove_redundant_waits.
/// Ensures:    verify_plan of the runtime accepts the result; anything else is a bug of ours.
Plan lower_to_plan(const Synchronised& synchronised, const Machine& machine,
                   const PlanContext& context);

}  // namespace graphc
