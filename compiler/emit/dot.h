#pragma once

#include <string>

#include "compiler/placement/placed_graph.h"

namespace graphc {

/// The placed graph for Graphviz: a cluster a device, copies dashed across them, edges that carry a
/// value into the next step dotted and marked "next step".
std::string to_dot(const PlacedGraph& placed, const Machine& machine);

}  // namespace graphc
