#include "compiler/autodiff/differentiate.h"

#include <optional>
#include <utility>
#include <vector>

#include "compiler/autodiff/backward.h"
#include "compiler/autodiff/clipping.h"
#include "compiler/autodiff/derived_nodes.h"
#include "compiler/autodiff/loss_scaling.h"
#include "compiler/autodiff/node_gradient.h"
#include "compiler/autodiff/optimizers.h"
#include "compiler/autodiff/trained_parameters.h"

namespace graphc {

Result<Graph> differentiate(Graph graph, const Training& training, DiagnosticSink& diagnostics) {
  TRY(const TrainingPaths paths, find_training_paths(graph, training, diagnostics));
  DerivedNodes nodes(std::move(graph));
  std::optional<ValueId> scale;
  if (training.loss_scale) scale = add_loss_scale(nodes, *training.loss_scale, training.where);
  const Gradient by_itself = scale ? Gradient(*scale) : Gradient(1.0);
  auto gradients = add_backward_pass(nodes, training.loss, by_itself, paths);
  if (scale) {
    const ValueId norm = add_global_norm(nodes, gradients, training.where);
    gradients = add_unscaling(nodes, std::move(gradients), norm, *scale, training);
  } else if (training.clip_norm) {
    const ValueId norm = add_global_norm(nodes, gradients, training.where);
    gradients =
        add_clipping(nodes, std::move(gradients), norm, *training.clip_norm, training.where);
  }
  add_updates(nodes, gradients, training);
  return std::move(nodes).finish();
}

}  // namespace graphc
