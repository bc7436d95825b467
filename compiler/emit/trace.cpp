#include "compiler/emit/trace.h"

#include <nlohmann/json.hpp>

#include "compiler/emit/timeline_steps.h"

namespace graphc {
namespace {

using Json = nlohmann::ordered_json;

double microseconds(int64_t duration_ns) { return static_cast<double>(duration_ns) / 1000.0; }

Json metadata(const char* what, int32_t process, int32_t thread, const std::string& name) {
  return {
      {"name", what}, {"ph", "M"}, {"pid", process}, {"tid", thread}, {"args", {{"name", name}}}};
}

}  // namespace

std::string to_trace(const Synchronised& synchronised, const Machine& machine, int64_t num_steps) {
  const Schedule& schedule = synchronised.memory->schedule;
  const auto& lanes = synchronised.lanes.lanes();
  Json events = Json::array();
  for (const DeviceId device : machine.devices.ids()) {
    events.push_back(metadata("process_name", device.value(), 0, machine.devices[device].name));
  }
  for (const LaneId lane : lanes.ids()) {
    events.push_back(
        metadata("thread_name", lanes[lane].device.value(), lane.value(), lanes[lane].name));
  }
  for (const TaskRun& run : predicted_runs(synchronised, num_steps)) {
    events.push_back({{"name", schedule.tasks->tasks[run.task].name},
                      {"ph", "X"},
                      {"pid", lanes[run.lane].device.value()},
                      {"tid", run.lane.value()},
                      {"ts", microseconds(run.span.start_ns)},
                      {"dur", microseconds(run.span.end_ns - run.span.start_ns)},
                      {"args", {{"step", run.step}}}});
  }
  const Json trace = {{"displayTimeUnit", "ns"}, {"traceEvents", std::move(events)}};
  // Names come from a file: what is no UTF-8 is replaced instead of thrown at.
  return trace.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace graphc
