#pragma once

#include <optional>
#include <string>

#include "compiler/emit/detail.h"
#include "compiler/placement/placed_graph.h"

namespace graphc {

/// Which part of a graph is drawn.
struct DotView {
  std::optional<std::string> focus = std::nullopt;  ///< an operation; absent: all of them
  int radius = 2;                                   ///< edges from it, in either direction
  Detail detail = Detail::kShort;  ///< in short: beyond 300 operations, blocks of them are one box
};

/// The placed graph for Graphviz: a cluster a device, copies dashed across them, edges that carry a
/// value into the next step dotted and marked "next step". Boxes that stand for several operations
/// are those of one block by name (folded_names.h), or of one operator, on one device.
/// Errors: no operation of the name in focus (usage, with the nearest name).
Result<std::string> to_dot(const PlacedGraph& placed, const Machine& machine, const DotView& view);

}  // namespace graphc
