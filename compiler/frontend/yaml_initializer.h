#pragma once

#include <filesystem>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/frontend/tensor_literal.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What relative paths and default seeds in a graph file refer to.
struct GraphFileContext {
  std::filesystem::path folder;                    ///< of the graph file
  uint64_t seed = 0;                               ///< the graph's `seed:`
  std::vector<std::string>* files_read = nullptr;  ///< gets the paths of arrays, if there
};

/// Reads `init:` of a state into `state`: zeros, he_normal, xavier, or one of {constant: c},
/// {uniform: {low, high, seed}}, {he_normal: {seed}}, {xavier: {seed}}, {same_as: w0},
/// {file: w.npy}. A file is read now.
void read_initializer(const YamlNode& node, const GraphFileContext& context,
                      StateDeclaration& state, DiagnosticSink& diagnostics);

/// Reads `value:` of a constant: nested lists of the shape of `type`, or a number for all elements.
/// Nothing if it does not fit (reported).
std::optional<Initializer> read_literal(const YamlNode& node, const TensorType& type,
                                        LiteralBudget& literals, DiagnosticSink& diagnostics);

/// Reads the array in a file, which must have exactly `type`. Nothing if not (reported).
std::optional<Initializer> read_array(const YamlNode& path, const TensorType& type,
                                      const GraphFileContext& context, DiagnosticSink& diagnostics);

/// The path in `node`, joined with the folder of the graph file.
std::optional<NameAt> read_path(const YamlNode& node, std::string_view what,
                                const GraphFileContext& context, DiagnosticSink& diagnostics);

}  // namespace graphc
