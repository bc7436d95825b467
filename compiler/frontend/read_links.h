#pragma once

#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// Reads `resources` and `links` of the machine file `root` into `machine`, which has its devices.
/// `device_names` are those that the file says, also of devices that were left out for their errors.
/// Errors: those of load_machine; also a resource that no link goes through (said if the links have
///         no errors), or that has the name of a device; a link through unknown resources, through
///         one twice, or through more than a plan can say.
void read_links(const YamlNode& root, const std::vector<std::string>& device_names,
                Machine& machine, DiagnosticSink& diagnostics);

}  // namespace graphc
