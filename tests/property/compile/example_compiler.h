#pragma once

#include <optional>
#include <string>

#include "compiler/compile.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/load_machine.h"
#include "compiler/frontend/source_file.h"

namespace graphc {

/// Compiles one of the graphs in graphs/ for a machine; nothing if the graph names devices that the
/// machine does not have.
inline std::optional<Compilation> compile_example_for(const std::string& path,
                                                      const std::string& machine_path) {
  DiagnosticSink diagnostics;
  const auto loaded = load_graph(read_source_file(path).value(), diagnostics);
  CHECK(loaded.has_value(), diagnostics.render_all());
  const auto machine = load_machine(read_source_file(machine_path).value(), diagnostics);
  CHECK(machine.has_value(), diagnostics.render_all());
  CompileOptions options;
  options.plan_folder = GRAPHS_DIR;
  auto compilation = compile(loaded->request, *machine, options, diagnostics);
  if (!compilation) return std::nullopt;
  return *std::move(compilation);
}

/// Compiles one of the graphs in graphs/ for its own machine; it must be free of errors.
inline Compilation compile_example(const std::string& path) {
  DiagnosticSink diagnostics;
  const auto loaded = load_graph(read_source_file(path).value(), diagnostics);
  CHECK(loaded.has_value(), diagnostics.render_all());
  auto compilation = compile_example_for(path, loaded->machine_path.value());
  CHECK(compilation.has_value(), path + " names devices that its machine does not have");
  return *std::move(compilation);
}

}  // namespace graphc
