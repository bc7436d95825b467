#pragma once

#include "compiler/schedule/schedule.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {

inline TaskGraph tasks_of(const Graph& graph, const Machine& machine) {
  return find_dependencies(placed_of(graph, machine), machine, CostModel(machine));
}

inline Schedule schedule_of(const Graph& graph, const Machine& machine) {
  return schedule_tasks(tasks_of(graph, machine));
}

inline TaskId task_named(const TaskGraph& tasks, const std::string& name) {
  for (const TaskId id : tasks.tasks.ids()) {
    if (tasks.tasks[id].name == name) return id;
  }
  CHECK(false, "no task " + name);
}

inline LaneId lane_named(const TaskGraph& tasks, const std::string& name) {
  for (const LaneId id : tasks.lanes.lanes.ids()) {
    if (tasks.lanes.lanes[id].name == name) return id;
  }
  CHECK(false, "no lane " + name);
}

/// A random graph, the pins of which decide what runs where, on a random machine.
inline Schedule random_schedule(unsigned seed) {
  return schedule_of(RandomGraph(seed).make(), random_machine(seed));
}

}  // namespace graphc
