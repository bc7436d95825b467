#include "compiler/passes/infer_types.h"

#include <utility>

#include "compiler/graph/type_inference.h"

namespace graphc {

Result<Graph> infer_types(Graph graph, DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  ValueTypes types = infer_value_types(graph, diagnostics);
  if (diagnostics.num_errors() > errors_before) return reported();
  for (const ValueId id : graph.values.ids()) graph.values[id].type = std::move(types[id]);
  return graph;
}

}  // namespace graphc
