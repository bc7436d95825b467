#include "compiler/autodiff/trained_parameters.h"

#include <algorithm>
#include <string>

#include "compiler/autodiff/gradient_rules.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

using Flags = IdVector<ValueId, char>;

Diagnostic note_at(const SourceRange& where, std::string message) {
  return {Severity::kNote, where, std::move(message), std::nullopt, {}};
}

// What depends on a value through jumps alone has no gradient by it.

/// Everything that the loss depends on, itself included.
Flags values_before(const Graph& graph, ValueId loss) {
  Flags is_before(graph.values.size(), 0);
  is_before[loss] = 1;
  for (size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[NodeId(i)];
    const bool leads_there = std::any_of(node.results.begin(), node.results.end(),
                                         [&](ValueId result) { return is_before[result] != 0; });
    if (!leads_there || node.op->is_piecewise_constant) continue;
    for (const ValueId input : node.inputs) is_before[input] = 1;
  }
  return is_before;
}

/// Everything that depends on one of `sources`, themselves included.
Flags values_behind(const Graph& graph, const std::vector<ValueId>& sources) {
  Flags is_behind(graph.values.size(), 0);
  for (const ValueId source : sources) is_behind[source] = 1;
  for (const Node& node : graph.nodes) {
    if (node.op->is_piecewise_constant) continue;
    const bool depends = std::any_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId input) { return is_behind[input] != 0; });
    for (const ValueId result : node.results) {
      if (depends) is_behind[result] = 1;
    }
  }
  return is_behind;
}

class PathFinder {
 public:
  PathFinder(const Graph& graph, const Training& training, DiagnosticSink& diagnostics)
      : graph_(graph),
        training_(training),
        diagnostics_(diagnostics),
        next_value_(graph.next_values()) {}

  Result<TrainingPaths> run() {
    const size_t errors_before = diagnostics_.num_errors();
    check_loss();
    paths_.reaches_loss = values_before(graph_, training_.loss);
    if (training_.parameters) {
      for (const ListedParameter& listed : *training_.parameters) add_listed(listed);
    } else {
      for (const ValueId id : graph_.values.ids()) add_if_free(id);
    }
    if (diagnostics_.num_errors() > errors_before) return reported();
    if (paths_.parameters.empty()) {
      diagnostics_.error(training_.where, "there is nothing to train",
                         "what is trained is an f32 state that the loss depends on and that no "
                         "node updates");
    }
    paths_.depends = values_behind(graph_, paths_.parameters);
    for (const Node& node : graph_.nodes) check_rule(node);
    if (diagnostics_.num_errors() > errors_before) return reported();
    return std::move(paths_);
  }

 private:
  void check_loss() {
    const TensorType& type = graph_.type_of(training_.loss);
    if (type == TensorType{ElementType::kF32, {}}) return;
    const Value& loss = graph_.values[training_.loss];
    const bool is_f32 = type.element == ElementType::kF32;
    diagnostics_
        .error(training_.loss_where,
               "a loss is one number, f32[]; " + graphrt::quoted_name(loss.name) + " is " +
                   to_string(type),
               is_f32
                   ? std::optional<std::string>("add a node that reduces it, for example op: mean")
                   : std::nullopt)
        .notes.push_back(note_at(loss.where, graphrt::quoted_name(loss.name) + " is defined here"));
  }

  void add_listed(const ListedParameter& listed) {
    const Value& state = graph_.values[listed.state];
    if (state.type.element != ElementType::kF32) {
      diagnostics_
          .error(listed.where, "only f32 states can be trained; " +
                                   graphrt::quoted_name(state.name) + " is " +
                                   to_string(state.type))
          .notes.push_back(
              note_at(state.where, graphrt::quoted_name(state.name) + " is declared here"));
      return;
    }
    if (const std::optional<ValueId> next = next_value_[listed.state]) {
      const Node& node = graph_.nodes[*graph_.values[*next].producer];
      diagnostics_
          .error(listed.where,
                 "the node " + graphrt::quoted_name(node.name) + " updates " +
                     graphrt::quoted_name(state.name) + " already",
                 "a state is either trained or updated by a node")
          .notes.push_back(
              note_at(node.where, graphrt::quoted_name(node.name) + " is defined here"));
      return;
    }
    if (paths_.reaches_loss[listed.state] == 0) {
      diagnostics_.warning(listed.where, "the loss does not depend on " +
                                             graphrt::quoted_name(state.name) +
                                             ": it is not trained");
      return;
    }
    paths_.parameters.push_back(listed.state);
  }

  void add_if_free(ValueId id) {
    const Value& value = graph_.values[id];
    const bool is_f32_state =
        value.kind == ValueKind::kState && value.type.element == ElementType::kF32;
    if (!is_f32_state || paths_.reaches_loss[id] == 0 || next_value_[id]) return;
    paths_.parameters.push_back(id);
  }

  void check_rule(const Node& node) {
    if (!paths_.is_on_path(node)) return;
    const bool is_smooth = graphrt::is_float(graph_.type_of(node.result()).element);
    // Rules are about the first result.
    const auto other =
        std::find_if(node.results.begin() + 1, node.results.end(),
                     [&](ValueId result) { return paths_.reaches_loss[result] != 0; });
    if (reads_trained_as_fixed(node)) return;
    const bool has_rule = is_smooth && find_gradient_rule(node.op->name) != nullptr;
    const bool is_first_alone = other == node.results.end();
    if (has_rule && is_first_alone) return;
    const std::string op(node.op->name);
    const std::string what =
        has_rule ? "the result " + graphrt::quoted_name(name_of(*other)) + " of the operator " + op
                 : "the operator " + op + " of " + graphrt::quoted_name(node.name);
    diagnostics_
        .error(node.where,
               what + " has no gradient, and the loss depends on " +
                   graphrt::quoted_name(parameter_before(node)) + " through it",
               "list what is to be trained in `parameters`, without the states before this node")
        .notes.push_back(note_at(training_.loss_where, "the loss"));
  }

  const std::string& name_of(ValueId value) const { return graph_.values[value].name; }

  /// Reports an operand without a gradient that depends on what is trained.
  bool reads_trained_as_fixed(const Node& node) {
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const bool is_fixed = (node.op->fixed_operands >> i & 1) != 0;
      if (!is_fixed || paths_.depends[node.inputs[i]] == 0) continue;
      const Value& operand = graph_.values[node.inputs[i]];
      diagnostics_
          .error(i < node.input_places.size() ? node.input_places[i] : node.where,
                 "the operator " + std::string(node.op->name) + " has no gradient by " +
                     graphrt::quoted_name(operand.name) + ", which depends on what is trained",
                 "list what is to be trained in `parameters`, without the states before it")
          .notes.push_back(
              note_at(operand.where, graphrt::quoted_name(operand.name) + " is defined here"));
      return true;
    }
    return false;
  }

  const std::string& parameter_before(const Node& node) const {
    const Flags is_before = values_before(graph_, node.result());
    for (const ValueId parameter : paths_.parameters) {
      if (is_before[parameter] != 0) return graph_.values[parameter].name;
    }
    return node.name;
  }

  const Graph& graph_;
  const Training& training_;
  DiagnosticSink& diagnostics_;
  IdVector<ValueId, std::optional<ValueId>> next_value_;  // of states
  TrainingPaths paths_;
};

}  // namespace

Result<TrainingPaths> find_training_paths(const Graph& graph, const Training& training,
                                          DiagnosticSink& diagnostics) {
  return PathFinder(graph, training, diagnostics).run();
}

}  // namespace graphc
