#include "compiler/lower/decisions.h"

#include "compiler/placement/offload.h"
#include "compiler/placement/rematerialise.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

PlacedGraph apply_rewrite(const PlacedGraph& placed, const MemoryRewrite& rewrite,
                          const Machine& machine) {
  if (rewrite.kind == RewriteKind::kRematerialise) {
    return rematerialise(placed, rewrite.value, rewrite.readers);
  }
  return offload_to_host(placed, rewrite.value, rewrite.readers, machine);
}

}  // namespace

PlacedGraph apply_rewrites(const PlacedGraph& placed, const std::vector<MemoryRewrite>& rewrites,
                           const Machine& machine) {
  PlacedGraph result = placed;
  for (const MemoryRewrite& rewrite : rewrites) result = apply_rewrite(result, rewrite, machine);
  return result;
}

std::string describe_memory(const Decisions& decisions, const PlacedGraph& placed,
                            const Machine& machine) {
  if (!decisions.trades_time_for_memory()) return "nothing given up";
  if (!decisions.budget) return "updates launched apart";
  std::vector<std::string> parts = {"steps one after the other"};
  PlacedGraph graph = placed;
  for (const MemoryRewrite& rewrite : decisions.rewrites) {
    const bool is_rematerialised = rewrite.kind == RewriteKind::kRematerialise;
    parts.push_back(graph.values[rewrite.value].name +
                    (is_rematerialised ? " computed again" : " offloaded to the host"));
    graph = apply_rewrite(graph, rewrite, machine);
  }
  return join(parts, ", ");
}

}  // namespace graphc
