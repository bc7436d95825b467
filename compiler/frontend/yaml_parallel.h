#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/yaml_reader.h"

namespace graphc {

/// Reads `parallel:`: `auto`, {batch: [gpu0, gpu1], update_on: cpu} (or `each`), {batch: {gpu0: 60,
/// gpu1: 40}} or {layers: {gpu0: [fc1, h1], gpu1: [fc2]}}. `key` is the place of the section.
ParallelDeclaration read_parallel(const YamlNode& key, const YamlNode& section,
                                  DiagnosticSink& diagnostics);

}  // namespace graphc
