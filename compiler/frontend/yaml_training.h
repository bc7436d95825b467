#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Reads `train:`: {loss, optimizer, learning_rate, parameters, clip_norm, and what optimizers
/// take}. `learning_rate` is a number, or a map of a schedule and its settings. `key` is the place
/// of the section.
TrainingDeclaration read_training(const YamlNode& key, const YamlNode& section,
                                  DiagnosticSink& diagnostics);

}  // namespace graphc
