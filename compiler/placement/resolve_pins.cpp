#include "compiler/placement/assignment.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

std::optional<DeviceId> resolve(const std::optional<std::string>& name, const SourceRange& where,
                                const Machine& machine, DiagnosticSink& diagnostics) {
  return name ? find_device(*name, where, machine, diagnostics) : std::nullopt;
}

}  // namespace

std::optional<DeviceId> find_device(const std::string& name, const SourceRange& where,
                                    const Machine& machine, DiagnosticSink& diagnostics) {
  if (const auto device = machine.find_device(name)) return device;
  std::vector<std::string> names;
  for (const Device& device : machine.devices) names.push_back(device.name);
  std::string hint = "machine '" + machine.name + "' has " + join_first(names, ", ");
  if (const auto nearest = nearest_name(name, names, diagnostics.hint_budget())) {
    hint = "did you mean '" + *nearest + "'? " + hint;
  }
  diagnostics.error(where, "unknown device '" + name + "'", hint);
  return std::nullopt;
}

bool check_same_kind(DeviceId first, DeviceId second, const SourceRange& where,
                     const Machine& machine, DiagnosticSink& diagnostics) {
  const Device& a = machine.devices[first];
  const Device& b = machine.devices[second];
  if (a.kind == b.kind) return true;
  diagnostics.error(where,
                    "'" + a.name + "' is a " + a.kind + " device, '" + b.name + "' a " + b.kind +
                        " device: they do not compute the same bits",
                    "what several devices compute, each for itself, needs devices of one kind");
  return false;
}

Result<IdVector<NodeId, std::optional<DeviceId>>> resolve_pins(const Graph& graph,
                                                               const Machine& machine,
                                                               DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  IdVector<NodeId, std::optional<DeviceId>> pins(graph.nodes.size());
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    pins[id] = resolve(node.device, node.device_where, machine, diagnostics);
    for (const std::string& name : node.also_on) {
      const auto device = find_device(name, node.device_where, machine, diagnostics);
      if (device && pins[id]) {
        check_same_kind(*pins[id], *device, node.device_where, machine, diagnostics);
      }
    }
  }
  for (const Value& value : graph.values) {
    resolve(value.device, value.device_where, machine, diagnostics);
  }
  for (const GraphOutput& output : graph.outputs) {
    const auto device = resolve(output.device, output.device_where, machine, diagnostics);
    if (!device || machine.devices[*device].host == HostId(0)) continue;
    const std::string& first = machine.hosts[HostId(0)].name;
    diagnostics.error(output.device_where,
                      "an output stays on '" + *output.device +
                          "', but results are handed out by "
                          "the first host, '" +
                          first + "'",
                      "without `device` it is sent there");
  }
  if (diagnostics.num_errors() > errors_before) return reported();
  return pins;
}

}  // namespace graphc
