#pragma once

#include <algorithm>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/training.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What the backward pass has to walk through.
struct TrainingPaths {
  std::vector<ValueId> parameters;       ///< states to train, in the order of their list
  IdVector<ValueId, char> depends;       ///< whether the value depends on one of them
  IdVector<ValueId, char> reaches_loss;  ///< whether the loss depends on the value

  bool is_on_path(const Node& node) const {
    return std::any_of(node.results.begin(), node.results.end(), [&](ValueId result) {
      return depends[result] != 0 && reaches_loss[result] != 0;
    });
  }
};

/// Finds the states to train, and what lies between them and the loss.
/// Ensures:  every node on the path has a gradient rule; there is a parameter.
/// Errors:   a loss that is no f32[]; a listed parameter that is not f32 or that a node updates;
///           nothing to train; an operator without a gradient on the path: all in `diagnostics`.
///           A listed parameter that the loss does not depend on gives a warning and is left out.
Result<TrainingPaths> find_training_paths(const Graph& graph, const Training& training,
                                          DiagnosticSink& diagnostics);

}  // namespace graphc
