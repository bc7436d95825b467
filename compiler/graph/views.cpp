#include "compiler/graph/views.h"

#include <algorithm>

namespace graphc {
std::vector<graphrt::ElementSource> element_sources_of(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  if (node.op->view_rule == nullptr) return {};
  return graphrt::element_sources(*node.op, graph.input_types(id), node.attributes);
}

bool may_be_view(const Graph& graph, NodeId id) {
  return !graph.nodes[id].keep && !element_sources_of(graph, id).empty();
}

std::optional<RowRange> sliced_rows(const Graph& graph, NodeId id) {
  const Node& node = graph.nodes[id];
  if (node.keep || node.updates) return std::nullopt;
  const std::vector<graphrt::ElementSource> sources = element_sources_of(graph, id);
  if (sources.size() != 1) return std::nullopt;
  const graphrt::ElementSource& source = sources.front();
  const TensorType& operand = graph.type_of(node.inputs[source.operand]);
  const auto rows = rows_of_part(operand, source.first, source.count);
  if (!rows || *rows == rows_or_all(operand, {})) return std::nullopt;
  if (type_of_rows(operand, rows) != graph.type_of(node.result())) return std::nullopt;
  return rows;
}

int64_t elements_of_row(const TensorType& type) {
  return type.num_elements() / rows_or_all(type, {}).end;
}

ValuePart part_of_rows(ValueId value, const TensorType& type, const RowRange& rows) {
  const int64_t each = elements_of_row(type);
  return {value, rows.begin * each, rows.size() * each};
}

std::optional<RowRange> rows_of_part(const TensorType& type, int64_t first, int64_t count) {
  const int64_t each = elements_of_row(type);
  if (first % each != 0 || count % each != 0) return std::nullopt;
  return RowRange{first / each, (first + count) / each};
}

Views::Views(const Graph& graph) : graph_(graph), pieces_(graph.values.size()) {
  for (const NodeId id : graph.nodes.ids()) {
    const Node& node = graph.nodes[id];
    int64_t begin = 0;
    for (const graphrt::ElementSource& source : element_sources_of(graph, id)) {
      pieces_[node.result()].push_back(
          {begin, {node.inputs[source.operand], source.first, source.count}});
      begin += source.count;
    }
  }
}

ValuePart Views::origin_of(ValuePart part) const {
  while (true) {
    const std::vector<Piece>& pieces = pieces_[part.value];
    const auto behind =
        std::upper_bound(pieces.begin(), pieces.end(), part.first,
                         [](int64_t first, const Piece& piece) { return first < piece.begin; });
    if (behind == pieces.begin()) return part;
    const Piece& piece = *std::prev(behind);
    const int64_t skipped = part.first - piece.begin;
    if (skipped + part.count > piece.source.count) return part;
    part = {piece.source.value, piece.source.first + skipped, part.count};
  }
}

ValuePart Views::origin_of(ValueId value) const {
  return origin_of(ValuePart{value, 0, graph_.type_of(value).num_elements()});
}

}  // namespace graphc
