#pragma once

#include <map>
#include <optional>
#include <string>

#include "compiler/lower/lower.h"

namespace graphc {

/// Lowers one graph under many decisions, without gates. What was lowered is kept by the decisions
/// that it depends on, so nothing is scheduled twice, whoever asks.
class Evaluator {
 public:
  /// Requires: machine and costs outlive it.
  Evaluator(Shared<Graph> graph, const Machine& machine, const CostModel& costs,
            Effort effort = Effort::kNormal);

  const Shared<Graph>& graph() const { return graph_; }
  const Machine& machine() const { return machine_; }
  const CostModel& costs() const { return costs_; }
  Effort effort() const { return effort_; }

  /// Nothing if a value cannot be routed.
  std::optional<Shared<PlacedGraph>> placed(const Decisions& decisions);
  std::optional<Shared<TaskGraph>> tasks(const Decisions& decisions);
  std::optional<Shared<Schedule>> schedule(const Decisions& decisions);

  /// Down to the waits, within limits. Requires: all values can be routed.
  Synchronised lowered(const Decisions& decisions, const MemoryLimits& limits);

 private:
  Target target() const { return {machine_, costs_, memory_of(machine_), effort_}; }

  Shared<Graph> graph_;
  const Machine& machine_;
  const CostModel& costs_;
  Effort effort_;
  std::map<std::string, std::optional<Shared<PlacedGraph>>> placed_;
  std::map<std::string, Shared<TaskGraph>> tasks_;
  std::map<std::string, Shared<Schedule>> schedules_;
};

}  // namespace graphc
