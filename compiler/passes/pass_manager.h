#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph_request.h"
#include "compiler/shared.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What a pass may do: decide what the graph means, or compute the same another way.
enum class PassRole : uint8_t { kMeaning, kRewrite };

/// A step from a valid graph, and what is asked for, to a valid graph and what is left to do.
struct Pass {
  std::string_view name;
  std::string_view summary;  ///< one line for --list-passes
  PassRole role;             ///< kRewrite needs a graph that nothing is to be derived for any more
  Result<GraphRequest> (*run)(GraphRequest request, DiagnosticSink& diagnostics);
};

/// Every pass, in the order in which the compiler runs them; names are unique.
std::span<const Pass> all_passes();
/// What graphc runs.
std::span<const Pass> default_passes();

/// The passes of a comma-separated list, in its order.
/// Errors: an unknown name, with the nearest one (usage).
Result<std::vector<Pass>> find_passes(std::string_view comma_separated);

struct PassOptions {
  std::vector<std::string> dump_after;  ///< names of passes; "all" means each
  std::ostream* dumps = nullptr;        ///< where dumps go; nowhere if null
};

struct PassTiming {
  std::string name;
  int64_t duration_ns = 0;
  size_t num_nodes = 0;  ///< after the pass
};

struct PassRun {
  Shared<Graph> graph;
  Shared<Graph> source;  ///< before the first pass that rewrites: what results are checked against
  /// What no pass has answered; nothing after default_passes().
  std::optional<Training> training;
  std::optional<Parallel> parallel;
  std::vector<PassTiming> timings;  ///< one a pass, in order; no decision depends on them
};

/// `name  0.12 ms  7 nodes`, one line a pass.
std::string print_timings(std::span<const PassTiming> timings);

/// Runs `passes` in order and verifies the graph after each: one that breaks it is our bug, and the
/// process ends with the name of the pass and the text of the graph.
/// Requires: verify_request passes.
/// Errors: those of the passes (in `diagnostics`); a name in dump_after that no pass has, a pass
///         that rewrites before differentiate (usage).
Result<PassRun> run_passes(GraphRequest request, std::span<const Pass> passes,
                           const PassOptions& options, DiagnosticSink& diagnostics);

}  // namespace graphc
