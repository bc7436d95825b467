#include "runtime/observe/trace_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/base/exceptions.h"
#include "runtime/base/text.h"
#include "runtime/device/host_arena.h"

namespace graphrt {
namespace {

/// A JSON string; bytes that are not UTF-8 are replaced.
std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string metadata_event(std::string_view kind, size_t process, std::optional<size_t> thread,
                           const std::string& name) {
  const std::string which = thread ? fmt::format(", \"tid\": {}", *thread) : "";
  return fmt::format(
      "{{\"ph\": \"M\", \"name\": \"{}\", \"pid\": {}{}, \"args\": {{\"name\": {}}}}}", kind,
      process, which, quoted(name));
}

double microseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

}  // namespace

Result<std::unique_ptr<TraceRecorder>> TraceRecorder::create(const Plan& plan, int64_t num_steps) {
  return without_exceptions([&]() -> Result<std::unique_ptr<TraceRecorder>> {
    if (num_steps < 0) return usage_error("the number of steps must not be negative");
    const auto num_instructions = static_cast<int64_t>(plan.instructions.size());
    const int64_t event_bytes = static_cast<int64_t>(sizeof(Event)) * num_instructions;
    const int64_t free_bytes = available_host_bytes();
    if (event_bytes > 0 && num_steps > free_bytes / event_bytes) {
      return machine_error("a trace of " + std::to_string(num_steps) + " steps of " +
                           std::to_string(num_instructions) +
                           " instructions does not fit into the " + format_bytes(free_bytes) +
                           " of free memory; trace fewer steps");
    }
    std::unique_ptr<TraceRecorder> recorder(new TraceRecorder(plan));
    for (const LaneId lane : plan.lanes.ids()) {
      recorder->lanes_[lane].events.reserve(plan.lanes[lane].instructions.size() *
                                            static_cast<size_t>(num_steps));
    }
    return recorder;
  });
}

void TraceRecorder::on_start(LaneId lane, InstructionId instruction, int64_t step) {
  std::vector<Event>& events = lanes_[lane].events;
  lanes_[lane].is_full = events.size() == events.capacity();
  if (!lanes_[lane].is_full) events.push_back({instruction, step, Clock::now(), {}});
}

void TraceRecorder::on_finish(LaneId lane, InstructionId, int64_t) {
  if (!lanes_[lane].is_full) lanes_[lane].events.back().end = Clock::now();
}

void TraceRecorder::on_queued(LaneId lane, InstructionId instruction, int64_t step,
                              Clock::time_point start, Clock::time_point end) {
  lanes_[lane].events.push_back({instruction, step, start, end});
}

int64_t TraceRecorder::busy_ns() const {
  Clock::duration sum{};
  for (const Lane& lane : lanes_) {
    for (const Event& event : lane.events) sum += event.end - event.start;
  }
  return std::chrono::nanoseconds(sum).count();
}

std::string TraceRecorder::to_json() const {
  std::vector<std::string> names;
  for (const Instruction& instruction : plan_.instructions) {
    names.push_back(quoted(instruction.name));
  }
  Clock::time_point origin = Clock::time_point::max();
  for (const Lane& lane : lanes_) {
    if (!lane.events.empty()) origin = std::min(origin, lane.events.front().start);
  }
  std::vector<std::string> lines;
  for (const DeviceId device : plan_.devices.ids()) {
    lines.push_back(
        metadata_event("process_name", device.index(), std::nullopt, plan_.devices[device].name));
  }
  for (const LaneId lane : plan_.lanes.ids()) {
    const size_t process = plan_.lanes[lane].device.index();
    lines.push_back(metadata_event("thread_name", process, lane.index(), plan_.lanes[lane].name));
    for (const Event& event : lanes_[lane].events) {
      lines.push_back(fmt::format(
          "{{\"ph\": \"X\", \"name\": {}, \"pid\": {}, \"tid\": {}, \"ts\": {:.3f}, \"dur\": "
          "{:.3f}, \"args\": {{\"step\": {}, \"stage\": {}}}}}",
          names[event.instruction.index()], process, lane.index(),
          microseconds(event.start - origin), microseconds(event.end - event.start), event.step,
          plan_.instructions[event.instruction].stage));
    }
  }
  return "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n" + join(lines, ",\n") + "\n]}\n";
}

}  // namespace graphrt
