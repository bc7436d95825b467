#pragma once

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/training.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Turns what `train` asks for into nodes: the gradient of the loss by every parameter, and the
/// updates of the parameters.
///
/// Runs before: every pass that rewrites, and the graph that a plan carries for --check: to them
///              derived nodes are like written ones.
/// Ensures:     nodes that were there stay as they are.
/// Errors:      those of find_training_paths.
Result<Graph> differentiate(Graph graph, const Training& training, DiagnosticSink& diagnostics);

}  // namespace graphc
