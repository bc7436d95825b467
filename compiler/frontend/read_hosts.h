#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// Reads `network` of the machine file `root`, if it is there.
std::optional<Network> read_network(const YamlNode& root, DiagnosticSink& diagnostics);

/// Reads `hosts` of the machine file `root`, which has no `devices` of its own, and joins them by
/// the network of `whole`.
/// Errors: those of load_machine that concern hosts: no network between them, a host that is like
///         one that is not there or like itself over others, names that are none, one host alone,
///         or more than kMaxHosts.
Machine read_hosts(const YamlNode& root, Machine whole, DiagnosticSink& diagnostics);

}  // namespace graphc
