#pragma once

#include <string>
#include <vector>

#include "compiler/placement/placed_graph.h"
#include "compiler/schedule/schedule.h"

namespace graphc {

enum class RewriteKind : uint8_t {
  kRecompute,  ///< late readers get a second computation of the value
  kPark,       ///< the value waits in the host's memory for its late readers
};

/// A value that is not kept on its device until its last readers; ids are those of the graph with
/// all rewrites before this one.
struct MemoryRewrite {
  RewriteKind kind = RewriteKind::kRecompute;
  PlacedValueId value;
  std::vector<PlacedOpId> readers;
};

/// What a compilation gives up for memory. Without anything: steps overlap as it is fastest, and
/// every value is kept.
struct MemoryStrategy {
  /// Steps do not overlap, and tasks are ordered to keep within these bytes.
  std::optional<MemoryLimits> budget;
  std::vector<MemoryRewrite> rewrites;  ///< under a budget alone
  /// Apart, what an update reads need not wait for the last of its launch. Under a budget none are
  /// joint.
  Launches launches = Launches::kJoint;

  bool gives_up_something() const { return budget || launches == Launches::kApart; }
};

/// The graph with all rewrites applied, one after the other.
PlacedGraph rewritten(const PlacedGraph& placed, const MemoryStrategy& strategy,
                      const Machine& machine);

/// `ordered for memory, h1@gpu0 computed twice`; `nothing given up`.
std::string describe(const MemoryStrategy& strategy, const PlacedGraph& placed,
                     const Machine& machine);

}  // namespace graphc
