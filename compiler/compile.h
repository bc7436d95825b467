#pragma once

#include <filesystem>
#include <memory>

#include "compiler/lower/print_decisions.h"
#include "compiler/schedule/relaxed_bound.h"
#include "compiler/search/limits.h"
#include "compiler/search/search.h"
#include "runtime/plan/plan.h"

namespace graphc {

struct CompileOptions {
  PassOptions passes;
  /// A schedule to use instead of the scheduler's own, as print_schedule writes it.
  std::shared_ptr<const SourceFile> schedule_file;
  /// Decisions to take instead of searching for some, as --emit=decisions prints them.
  std::shared_ptr<const SourceFile> decisions_file;
  Overlap overlap = Overlap::kAll;
  /// Where the plan will lie; feeds are stored relative to it.
  std::filesystem::path plan_folder = ".";
  BlockSizes block_sizes = {};
  AskedLimits memory_limits = {};
  Effort effort = Effort::kNormal;
  SearchReport report = {};  ///< told how far the search is
};

/// Everything the compiler found out. `lowered` holds all levels from the optimised graph on.
struct Compilation {
  std::vector<SourceRange> layer_places;  ///< where `layers` of the graph's `parallel` pins nodes
  ParallelChoice parallel;
  PassRun passes;
  Placement placement;
  StepBound bound;
  Decisions decisions;           ///< nothing is left open
  std::string memory_trades;     ///< of time for memory, in words
  std::optional<Effort> effort;  ///< of the search; absent where a file says what is done
  Lowered lowered;
  Plan plan;

  const Synchronised& synchronised() const { return lowered.synchronised; }

  const PlacedGraph& placed() const { return tasks().placed; }
  const TaskGraph& tasks() const { return schedule().tasks; }
  const Schedule& schedule() const { return memory().schedule; }
  const MemoryPlan& memory() const { return synchronised().memory; }
};

/// From a graph to a verified plan; compile.cpp is the table of contents.
/// Errors: what the user has to change, in `diagnostics`; a device without enough memory (machine).
Result<Compilation> compile(const GraphRequest& request, const Machine& machine,
                            const CompileOptions& options, DiagnosticSink& diagnostics);

/// What less memory would cost in time, device by device, within the limits of the options.
Result<std::vector<TradeOff>> trade_offs(const GraphRequest& request, const Machine& machine,
                                         const CompileOptions& options,
                                         DiagnosticSink& diagnostics);

}  // namespace graphc
