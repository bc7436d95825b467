#include "compiler/autodiff/differentiate.h"

#include <utility>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/clipping.h"
#include "compiler/autodiff/derived_nodes.h"
#include "compiler/autodiff/optimizers.h"
#include "compiler/autodiff/trained_parameters.h"

namespace graphc {

Result<Graph> differentiate(Graph graph, const Training& training, DiagnosticSink& diagnostics) {
  TRY(const TrainingPaths paths, find_training_paths(graph, training, diagnostics));
  DerivedNodes nodes(std::move(graph));
  std::vector<ParameterGradient> gradients = add_backward_pass(nodes, training.loss, paths);
  if (training.clip_norm) {
    gradients = add_clipping(nodes, std::move(gradients), *training.clip_norm, training.where);
  }
  add_updates(nodes, gradients, training);
  return std::move(nodes).finish();
}

}  // namespace graphc
