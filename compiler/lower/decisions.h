#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/graph/parallel.h"
#include "compiler/placement/assignment.h"
#include "compiler/placement/placed_graph.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

enum class RewriteKind : uint8_t {
  kRematerialise,  ///< late readers get a second computation of the value
  kOffload,        ///< the value waits in the host's memory for its late readers
};

/// A value that is not kept on its device until its last readers; ids are those of the graph with
/// all rewrites before this one.
struct MemoryRewrite {
  RewriteKind kind = RewriteKind::kRematerialise;
  PlacedValueId value;
  std::vector<PlacedOpId> readers;
  bool operator==(const MemoryRewrite&) const = default;
};

/// What may run side by side.
enum class Overlap : uint8_t {
  kAll,
  kNone,  ///< one operation at a time, for comparison
};

/// Whether large copies travel in blocks (placement/split_copies.h).
enum class CopyBlocks : uint8_t { kWhole, kBlocks };

/// Lanes, order, stages and launches of all tasks.
struct LaneOrder {
  SchedulingSolution solution;
  Times times = Times::kFind;
};

/// All that is decided about a graph on its way to a plan; lower.h does what stands here, and
/// nothing else. What finds good decisions is in search/; decisions_text.h writes them down.
struct Decisions {
  std::optional<Parallel> parallel = std::nullopt;  ///< how the batch is spread: of the passes
  Assignment assignment;                            ///< of the nodes behind the passes
  std::vector<MemoryRewrite> rewrites = {};
  /// If set, steps do not overlap, and tasks are ordered to keep within these bytes.
  std::optional<MemoryLimits> budget = std::nullopt;
  Launches launches = Launches::kJoint;
  CopyBlocks copies = CopyBlocks::kWhole;
  Overlap overlap = Overlap::kAll;
  std::optional<LaneOrder> order = std::nullopt;  ///< if absent, the scheduler finds one

  /// Whether time is given up for memory.
  bool trades_time_for_memory() const { return budget || launches == Launches::kSeparate; }
};

/// The graph with all rewrites applied, one after the other.
PlacedGraph apply_rewrites(const PlacedGraph& placed, const std::vector<MemoryRewrite>& rewrites,
                           const Machine& machine);

/// What is given up for memory: `steps one after the other, h1@gpu0 computed again`; `nothing given
/// up`. `placed`: the graph before the rewrites.
std::string describe_memory(const Decisions& decisions, const PlacedGraph& placed,
                            const Machine& machine);

}  // namespace graphc
