#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph_request.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What a graph file says.
struct LoadedGraph {
  GraphRequest request;
  /// The file's `machine:`, joined with the folder of the graph file.
  std::optional<std::string> machine_path;
  SourceRange machine_where;  ///< place of `machine:`, for messages about that file
  /// Arrays of states and constants, and feeds, relative to the current directory.
  std::vector<std::string> array_paths;
};

/// Reads a graph in YAML or, if its name ends in `.graph` or its text starts with `graph NAME`, in
/// text form. The result passes verify_request.
///
/// Every independent error is reported with its place, type errors among the parts that are in
/// order included. Feeds are opened: they exist, have the element type and the row shape of their
/// input, and all have the same number of rows. Unused inputs and states give a warning.
///
/// Feed paths in YAML are relative to the graph file, those in text form to the current directory,
/// like Value::feed_path; so printing and reading back changes nothing.
/// Errors: the reasons are in `diagnostics`.
Result<LoadedGraph> load_graph(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics);

}  // namespace graphc
