#pragma once

#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// Reads `devices` of one host into `machine`, the CPU first. Gives the names that the file says,
/// also of devices that are left out for their errors.
/// Errors: those of load_machine that concern devices.
std::vector<std::string> read_devices(const YamlNode* devices, Machine& machine,
                                      DiagnosticSink& diagnostics);

}  // namespace graphc
