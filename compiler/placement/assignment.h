#pragma once

#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// A device for every node.
using Assignment = IdVector<NodeId, DeviceId>;

/// The devices that the user pinned; nothing where the compiler may choose.
/// Errors: a node, state or output that names a device the machine does not have.
Result<IdVector<NodeId, std::optional<DeviceId>>> resolve_pins(const Graph& graph,
                                                               const Machine& machine,
                                                               DiagnosticSink& diagnostics);

}  // namespace graphc
