#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/frontend/load_graph.h"
#include "compiler/frontend/source_file.h"

namespace graphc {

/// Compiles one of the graphs in graphs/ for its own machine; it must be free of errors.
inline Compilation compile_example(const std::string& path) {
  DiagnosticSink diagnostics;
  const auto loaded = load_graph(read_source_file(path).value(), diagnostics);
  CHECK(loaded.has_value(), diagnostics.render_all());
  const auto machine =
      load_machine(read_source_file(loaded->machine_path.value()).value(), diagnostics);
  CHECK(machine.has_value(), diagnostics.render_all());
  CompileOptions options;
  options.plan_folder = GRAPHS_DIR;
  auto compilation = compile(loaded->graph, *machine, options, diagnostics);
  CHECK(compilation.has_value(), diagnostics.render_all());
  return *std::move(compilation);
}

}  // namespace graphc
