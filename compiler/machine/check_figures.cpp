#include "compiler/machine/check_figures.h"

#include <algorithm>
#include <optional>
#include <string>

#include "runtime/base/text.h"

namespace graphc {
namespace {

/// What all values of a step may have, on every device in as many versions as a plan may hold.
constexpr double kMaxBytes = static_cast<double>(int64_t{1} << 62) / kMaxStepsInFlight;

/// The part of a step that takes longest.
struct LongestPart {
  double time_ns = 0;
  SourceRange cause;      // in the machine file
  SourceRange where;      // in the graph
  std::string described;  // 'y' on 'cpu'
};

class FigureCheck {
 public:
  FigureCheck(const Graph& graph, const Machine& machine, const CostModel& costs)
      : graph_(graph), machine_(machine), costs_(costs) {}

  Result<void> run(DiagnosticSink& diagnostics) {
    for (const NodeId id : graph_.nodes.ids()) add_node(id);
    for (const ValueId id : graph_.values.ids()) add_value(graph_.values[id]);
    if (total_ns_ > static_cast<double>(kMaxStepNs)) report_time(diagnostics);
    const double num_bytes = total_bytes_ * static_cast<double>(machine_.devices.size());
    if (num_bytes > kMaxBytes) report_bytes(diagnostics);
    if (is_too_much_) return reported();
    return {};
  }

 private:
  /// Work may be divided into blocks: each takes the latency again.
  double time_of(const TaskCost& cost) const {
    return static_cast<double>(cost.work_ns) +
           static_cast<double>(cost.latency_ns) *
               static_cast<double>(costs_.block_sizes().most_blocks);
  }

  void add_part(const LongestPart& part) {
    total_ns_ += part.time_ns;
    if (part.time_ns > longest_.time_ns) longest_ = part;
  }

  void add_node(NodeId id) {
    const Node& node = graph_.nodes[id];
    LongestPart part;
    for (const DeviceId device_id : machine_.devices.ids()) {
      const double time_ns = time_of(costs_.node_cost(graph_, id, device_id));
      if (time_ns <= part.time_ns) continue;
      const Device& device = machine_.devices[device_id];
      part = {time_ns, device.where, node.where, "'" + node.name + "' on '" + device.name + "'"};
    }
    add_part(part);
  }

  /// Fed or handed out by the host, and sent to every other device over the slowest link.
  void add_value(const Value& value) {
    const int64_t num_bytes = value.type.size_bytes();
    total_bytes_ += static_cast<double>(num_bytes);
    if (num_bytes > largest_bytes_) {
      largest_bytes_ = num_bytes;
      largest_ = &value;
    }
    LongestPart part;
    for (const DeviceId id : machine_.devices.ids()) {
      if (!machine_.is_host(id)) continue;
      const double time_ns = time_of(costs_.host_transfer_cost(num_bytes, id));
      if (time_ns <= part.time_ns) continue;
      const Device& host = machine_.devices[id];
      part = {time_ns, host.where, value.where,
              "reading or writing '" + value.name + "' on '" + host.name + "'"};
    }
    for (const LinkDirection& link : links_of_kinds(machine_)) {
      const double time_ns =
          time_of(costs_.copy_cost(link, num_bytes)) * static_cast<double>(machine_.devices.size());
      if (time_ns <= part.time_ns) continue;
      const LinkResource* slower = machine_.slowest_resource(link);
      part = {time_ns, slower == nullptr ? link.where : slower->where, value.where,
              "'" + value.name + "' on its way from '" + machine_.devices[link.from].name +
                  "' to '" + machine_.devices[link.to].name + "'" +
                  (slower == nullptr ? "" : " through '" + slower->name + "'")};
    }
    add_part(part);
  }

  void report_time(DiagnosticSink& diagnostics) {
    is_too_much_ = true;
    const bool has_cause = longest_.cause.file != nullptr;
    Diagnostic& error = diagnostics.error(
        has_cause ? longest_.cause : longest_.where,
        "a step could take " + duration_text(total_ns_) + ", " + longest_.described + " alone " +
            duration_text(longest_.time_ns) + "; steps of up to " +
            duration_text(static_cast<double>(kMaxStepNs)) + " can be planned");
    if (!has_cause) return;
    error.notes.push_back({Severity::kNote, longest_.where, "it is here", std::nullopt, {}});
  }

  void report_bytes(DiagnosticSink& diagnostics) {
    is_too_much_ = true;
    diagnostics.error(largest_->where, "the values of a step have " +
                                           format_bytes(static_cast<int64_t>(std::min(
                                               total_bytes_, static_cast<double>(INT64_MAX / 2)))) +
                                           ", '" + largest_->name + "' alone " +
                                           format_bytes(largest_bytes_) +
                                           ": more than can be planned");
  }

  static std::string duration_text(double time_ns) {
    constexpr double kLongest = static_cast<double>(int64_t{1} << 60);
    const std::string text = format_duration(static_cast<int64_t>(std::min(time_ns, kLongest)));
    return time_ns >= kLongest ? "more than " + text : text;
  }

  const Graph& graph_;
  const Machine& machine_;
  const CostModel& costs_;
  double total_ns_ = 0;
  LongestPart longest_;
  double total_bytes_ = 0;
  int64_t largest_bytes_ = 0;
  const Value* largest_ = nullptr;
  bool is_too_much_ = false;
};

}  // namespace

Result<void> check_figures(const Graph& graph, const Machine& machine, const CostModel& costs,
                           DiagnosticSink& diagnostics) {
  return FigureCheck(graph, machine, costs).run(diagnostics);
}

}  // namespace graphc
