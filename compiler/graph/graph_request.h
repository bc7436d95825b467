#pragma once

#include <optional>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/graph/parallel.h"
#include "compiler/graph/training.h"

namespace graphc {

/// What a file asks for: a graph, and what is to be made of it. The passes `differentiate` and
/// `divide` answer it; from then on there is a Graph alone.
struct GraphRequest {
  Graph forward;
  std::optional<Training> training = {};
  std::optional<Parallel> parallel = {};
  /// Where `layers` of `parallel` names the devices that it pins nodes to.
  std::vector<SourceRange> layer_places = {};
};

/// What verify_graph checks, and that what is asked for is about states and values that are there,
/// and about different devices.
Violation verify_request(const GraphRequest& request);

}  // namespace graphc
