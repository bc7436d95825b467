#include "compiler/placement/assignment.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Reports an unknown device once at `where`; nothing if `name` is absent or unknown.
std::optional<DeviceId> resolve(const std::optional<std::string>& name, const SourceRange& where,
                                const Machine& machine, DiagnosticSink& diagnostics) {
  if (!name) return std::nullopt;
  if (const auto device = machine.find_device(*name)) return device;
  std::vector<std::string> names;
  for (const Device& device : machine.devices) names.push_back(device.name);
  std::string hint = "machine '" + machine.name + "' has " + join(names, ", ");
  if (const auto nearest = nearest_name(*name, names)) {
    hint = "did you mean '" + *nearest + "'? " + hint;
  }
  diagnostics.error(where, "unknown device '" + *name + "'", hint);
  return std::nullopt;
}

}  // namespace

Result<IdVector<NodeId, std::optional<DeviceId>>> resolve_pins(const Graph& graph,
                                                               const Machine& machine,
                                                               DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  IdVector<NodeId, std::optional<DeviceId>> pins(graph.nodes.size());
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    pins[id] = resolve(node.device, node.device_where, machine, diagnostics);
  }
  for (const Value& value : graph.values) {
    resolve(value.device, value.device_where, machine, diagnostics);
  }
  for (const GraphOutput& output : graph.outputs) {
    resolve(output.device, output.device_where, machine, diagnostics);
  }
  if (diagnostics.num_errors() > errors_before) return reported();
  return pins;
}

}  // namespace graphc
