#include "compiler/frontend/infer_types.h"

#include <set>
#include <utility>

namespace graphc {
namespace {

std::string_view origin_of(ValueKind kind) {
  return kind == ValueKind::kNode ? " is computed here with shape "
                                  : " is declared here with shape ";
}

SourceRange place_of_operands(const Node& node) {
  if (node.input_places.empty()) return node.where;
  const SourceRange& first = node.input_places.front();
  const SourceRange& last = node.input_places.back();
  SourceRange all = first;
  if (last.line == first.line && last.column >= first.column) {
    all.length = last.column + last.length - first.column;
  }
  return all;
}

class Inference {
 public:
  Inference(const Graph& graph, const ValueTypes& declared, DiagnosticSink& diagnostics)
      : graph_(graph),
        declared_(declared),
        diagnostics_(diagnostics),
        types_(graph.values.size()) {}

  ValueTypes run() {
    for (const ValueId id : graph_.values.ids()) {
      if (graph_.values[id].kind != ValueKind::kNode) types_[id] = declared_[id];
    }
    for (const Node& node : graph_.nodes) {
      infer(node);
      check_updates(node);
    }
    return std::move(types_);
  }

 private:
  void infer(const Node& node) {
    std::vector<TensorType> inputs;
    for (const ValueId input : node.inputs) {
      if (!types_[input]) return;
      inputs.push_back(*types_[input]);
    }
    const auto types = infer_types(*node.op, inputs, node.attributes);
    if (!types) return report(node, types.error());
    for (size_t i = 0; i < types->size(); ++i) {
      const TensorType& type = (*types)[i];
      const std::optional<TensorType>& written = declared_[node.results[i]];
      if (!written || *written == type) {
        types_[node.results[i]] = type;
        continue;
      }
      diagnostics_.error(node.where, "'" + graph_.values[node.results[i]].name + "' is " +
                                         to_string(type) + ", but is written as " +
                                         to_string(*written));
    }
  }

  /// At the attribute to blame where it is written, else at the operand, else at all of them.
  static SourceRange place_of(const Node& node, const OpError& error) {
    for (const auto& [name, place] : node.attribute_places) {
      if (name == error.attribute) return place;
    }
    const bool has_place = error.input && *error.input < node.input_places.size();
    return has_place ? node.input_places[*error.input] : place_of_operands(node);
  }

  void report(const Node& node, const OpError& error) {
    Diagnostic& diagnostic = diagnostics_.error(place_of(node, error), error.message);
    const bool has_culprit = error.input && *error.input < node.inputs.size();
    if (!has_culprit && !error.attribute.empty()) return;
    std::set<ValueId> noted;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (has_culprit && i != *error.input) continue;
      if (noted.insert(node.inputs[i]).second) {
        diagnostic.notes.push_back(origin_note(node.inputs[i]));
      }
    }
  }

  Diagnostic origin_note(ValueId id) const {
    const Value& value = graph_.values[id];
    return {Severity::kNote,
            value.where,
            value.name + std::string(origin_of(value.kind)) + to_string(*types_[id]),
            std::nullopt,
            {}};
  }

  void check_updates(const Node& node) {
    const std::vector<ValueId> states = node.updated_states();
    for (size_t i = 0; i < states.size(); ++i) check_update(node, node.results[i], states[i]);
  }

  void check_update(const Node& node, ValueId result, ValueId state) {
    const std::optional<TensorType>& type = types_[result];
    if (!type || !types_[state] || *type == *types_[state]) return;
    diagnostics_
        .error(node.where, "'" + graph_.values[result].name + "' is " + to_string(*type) +
                               ", but updates '" + graph_.values[state].name + "', which is " +
                               to_string(*types_[state]))
        .notes.push_back(origin_note(state));
  }

  const Graph& graph_;
  const ValueTypes& declared_;
  DiagnosticSink& diagnostics_;
  ValueTypes types_;
};

}  // namespace

ValueTypes infer_types(const Graph& graph, const ValueTypes& declared,
                       DiagnosticSink& diagnostics) {
  return Inference(graph, declared, diagnostics).run();
}

}  // namespace graphc
