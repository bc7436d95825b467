#pragma once

#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// A device for every node; nodes that several devices compute have the first of them.
using Assignment = IdVector<NodeId, DeviceId>;

/// The device that `where` names; an unknown one is reported, with the nearest that is there.
std::optional<DeviceId> find_device(const std::string& name, const SourceRange& where,
                                    const Machine& machine, DiagnosticSink& diagnostics);

/// Whether both devices are of one kind, so that they get the same bits from the same numbers;
/// reported at `where` if not.
bool check_same_kind(DeviceId first, DeviceId second, const SourceRange& where,
                     const Machine& machine, DiagnosticSink& diagnostics);

/// The devices that the user pinned; nothing where the compiler may choose.
/// Errors: a node, state or output that names a device the machine does not have; a node on devices
///         of different kinds.
Result<IdVector<NodeId, std::optional<DeviceId>>> resolve_pins(const Graph& graph,
                                                               const Machine& machine,
                                                               DiagnosticSink& diagnostics);

}  // namespace graphc
