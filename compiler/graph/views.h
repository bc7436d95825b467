#pragma once

#include <optional>
#include <vector>

#include "compiler/graph/graph.h"

namespace graphc {

/// The elements of operands that the node's result is, if that is all it is.
std::vector<graphrt::ElementSource> element_sources_of(const Graph& graph, NodeId node);

/// Whether the node only puts elements of its operands one after the other: its result may then be
/// those elements, where they lie, and nothing is done. What the user wants kept stays a computation.
bool may_be_view(const Graph& graph, NodeId node);

/// The rows that a node takes out of its operand, if that is all it does and some are left behind.
/// What replaces a state is computed.
std::optional<RowRange> sliced_rows(const Graph& graph, NodeId node);

/// Some elements of a value, one after the other in memory.
struct ValuePart {
  ValueId value;
  int64_t first = 0;
  int64_t count = 0;
  bool operator==(const ValuePart&) const = default;
};

/// Elements in each row; of a scalar, 1.
int64_t elements_of_row(const TensorType& type);
/// These rows of a value of that type.
ValuePart part_of_rows(ValueId value, const TensorType& type, const RowRange& rows);
/// The rows of a tensor that are exactly these elements, if there are such.
std::optional<RowRange> rows_of_part(const TensorType& type, int64_t first, int64_t count);

/// Says of elements of a graph's values whose they are, as far as operators only pass them on:
///
///   %c = concat(%a, %b)            rows 4:6 of %c are rows 0:2 of %b, if %a has four
///   %s = slice(%c, 4, 6)           and so are all rows of %s
///   %r = reshape(%s, [2, 2, 3])    and all elements of %r
///
/// Two parts of one origin are equal, element by element, in every step. Elements of a concat that
/// are not of one operand alone are its own.
class Views {
 public:
  explicit Views(const Graph& graph);

  /// Cost: O(log n) for each node of n operands that is passed.
  ValuePart origin_of(ValuePart part) const;
  /// Of all elements.
  ValuePart origin_of(ValueId value) const;

 private:
  /// Elements of an operand, the first of which is element `begin` of the result.
  struct Piece {
    int64_t begin = 0;
    ValuePart source;
  };
  const Graph& graph_;
  IdVector<ValueId, std::vector<Piece>> pieces_;  ///< by `begin`; none: all are the value's own
};

}  // namespace graphc
