#include <string>

#include "compiler/schedule/schedule.h"

namespace graphc {

std::string print_schedule(const Schedule& schedule) {
  const TaskGraph& graph = schedule.tasks;
  std::string text = "schedule " + graph.placed->graph->name + "\n";
  for (const LaneId lane : schedule.solution.lanes.ids()) {
    for (const TaskId task : schedule.solution.lanes[lane]) {
      const ScheduledTask& at = schedule.solution.tasks[task];
      text += graph.lanes.lanes[lane].name + "  " + graph.tasks[task].name +
              "  stage=" + std::to_string(at.stage) + " start=" + std::to_string(at.start_ns) +
              "ns end=" + std::to_string(at.end_ns) + "ns because " +
              std::string(to_string(at.reason)) +
              (at.is_joined ? "  " + std::string(kJoinedWord) : "") + "\n";
    }
  }
  return text;
}

}  // namespace graphc
