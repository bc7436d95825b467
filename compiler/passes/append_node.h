#pragma once

#include "compiler/graph/graph.h"
#include "compiler/graph/unique_names.h"

namespace graphc {

// For passes that make the list of nodes anew.

/// Puts a node whose results are there at the end.
void append_node(Graph& graph, Node node);

/// The first result of a new node, which is put at the end and gets its results. Its name is the one
/// that it has or, if something has that, with a number behind it.
/// Requires: the operator takes its operands.
ValueId append_new_node(Graph& graph, UniqueNames& names, Node node);

/// A node without a name or results, where `whole` is: with its device and its place in the source.
Node node_in_place_of(const Node& whole, std::string_view op, std::vector<ValueId> inputs,
                      Attributes attributes);

}  // namespace graphc
