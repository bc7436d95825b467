#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/yaml_reader.h"

namespace graphc {

/// The text with its place; nothing if there is no node, or if it is no text (reported). `what`
/// names it in messages.
std::optional<NameAt> read_name_at(const YamlNode* node, std::string_view what,
                                   DiagnosticSink& diagnostics);

/// All names of a list, or nothing if it is none or one of them is no text (reported).
std::optional<std::vector<NameAt>> read_names(const YamlNode& list, std::string_view what,
                                              DiagnosticSink& diagnostics);

}  // namespace graphc
