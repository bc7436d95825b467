#include "compiler/lower/print_decisions.h"

#include "compiler/graph/print_parallel.h"

namespace graphc {
namespace {

std::string text_of(Launches launches) {
  return launches == Launches::kJoint ? "joint" : "separate";
}
std::string text_of(CopyBlocks copies) { return copies == CopyBlocks::kWhole ? "whole" : "blocks"; }
std::string text_of(Overlap overlap) { return overlap == Overlap::kAll ? "all" : "none"; }

std::string rewrites_text(const Decisions& decisions, const PlacedGraph& whole,
                          const Machine& machine) {
  std::string text;
  PlacedGraph placed = whole;
  for (const MemoryRewrite& rewrite : decisions.rewrites) {
    text += rewrite.kind == RewriteKind::kRematerialise ? "rematerialise  " : "offload  ";
    text += placed.values[rewrite.value].name;
    for (const PlacedOpId reader : rewrite.readers) text += "  " + placed.ops[reader].name;
    text += "\n";
    placed = apply_rewrites(placed, {rewrite}, machine);
  }
  return text;
}

std::string versions_text(const Schedule& schedule) {
  std::string text;
  for (const PlacedValueId value : versioned_values(schedule.tasks)) {
    if (schedule.versions[value] == 1) continue;
    text += "version  " + schedule.tasks->placed->values[value].name + "  " +
            std::to_string(schedule.versions[value]) + "\n";
  }
  return text;
}

}  // namespace

std::string print_decisions(const Decisions& decisions, const Lowered& lowered,
                            const Fingerprints& fingerprints, const Machine& machine) {
  const Schedule& schedule = lowered.synchronised.memory->schedule;
  const Graph& graph = schedule.tasks->placed->graph;
  std::string text = "decisions  " + graph.name + "  " + fingerprints.graph + "\n";
  text += "machine  " + machine.name + "  " + fingerprints.machine + "\n";
  if (decisions.parallel) text += print_parallel(*decisions.parallel);
  text += "launches  " + text_of(decisions.launches) + "\n";
  text += "copies  " + text_of(decisions.copies) + "\n";
  text += "overlap  " + text_of(decisions.overlap) + "\n";
  if (decisions.budget) {
    for (const DeviceId device : machine.devices.ids()) {
      text += "budget  " + machine.devices[device].name + "  " +
              std::to_string((*decisions.budget)[device]) + "\n";
    }
  }
  for (const NodeId node : graph.nodes.ids()) {
    text += "place  " + graph.nodes[node].name + "  " +
            machine.devices[decisions.assignment[node]].name + "\n";
  }
  text += rewrites_text(decisions, lowered.whole, machine);
  text += versions_text(schedule);
  return text + print_schedule(schedule);
}

}  // namespace graphc
