#include "compiler/fit/memory_strategy.h"

#include "compiler/placement/park_on_host.h"
#include "compiler/placement/recompute.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

PlacedGraph rewritten(const PlacedGraph& placed, const MemoryRewrite& rewrite,
                      const Machine& machine) {
  if (rewrite.kind == RewriteKind::kRecompute) {
    return recompute(placed, rewrite.value, rewrite.readers);
  }
  return park_on_host(placed, rewrite.value, rewrite.readers, machine);
}

}  // namespace

PlacedGraph rewritten(const PlacedGraph& placed, const MemoryStrategy& strategy,
                      const Machine& machine) {
  PlacedGraph result = placed;
  for (const MemoryRewrite& rewrite : strategy.rewrites) {
    result = rewritten(result, rewrite, machine);
  }
  return result;
}

std::string describe(const MemoryStrategy& strategy, const PlacedGraph& placed,
                     const Machine& machine) {
  if (!strategy.gives_up_something()) return "nothing given up";
  if (!strategy.budget) return "updates launched apart";
  std::vector<std::string> parts = {"steps one after the other"};
  PlacedGraph graph = placed;
  for (const MemoryRewrite& rewrite : strategy.rewrites) {
    const bool is_recomputed = rewrite.kind == RewriteKind::kRecompute;
    parts.push_back(graph.values[rewrite.value].name +
                    (is_recomputed ? " computed again" : " parked on the host"));
    graph = rewritten(graph, rewrite, machine);
  }
  return join(parts, ", ");
}

}  // namespace graphc
