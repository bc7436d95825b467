#include "compiler/frontend/build_graph.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "compiler/frontend/build_parallel.h"
#include "compiler/frontend/build_training.h"
#include "compiler/frontend/infer_types.h"
#include "compiler/frontend/precision.h"
#include "compiler/frontend/resolve_operator.h"
#include "compiler/solve/topological_order.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Files of states keep it for themselves; see write_safetensors.
constexpr std::string_view kNoStateName = "__metadata__";

Diagnostic note_at(const SourceRange& where, std::string message) {
  return {Severity::kNote, where, std::move(message), std::nullopt, {}};
}

std::string_view described(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return "an input";
    case ValueKind::kState:
      return "a state";
    case ValueKind::kConstant:
      return "a constant";
    case ValueKind::kNode:
      return "a node";
  }
  return "";
}

std::optional<std::string> text_of(const std::optional<NameAt>& name) {
  return name ? std::optional(name->text) : std::nullopt;
}

SourceRange place_of(const std::optional<NameAt>& name) {
  return name ? name->where : SourceRange();
}

/// Turns declarations into a graph. What is wrong is reported and left out: its name stays defined,
/// without a type, so that its users are not blamed too.
class GraphBuilder {
 public:
  GraphBuilder(GraphDeclarations declarations, DiagnosticSink& diagnostics)
      : declared_(std::move(declarations)), diagnostics_(diagnostics) {}

  Result<GraphRequest> build() {
    graph_.name = declared_.name.text;
    if (!is_plain_text(graph_.name)) {
      diagnostics_.error(declared_.name.where, "the graph's name" + std::string(kMustBePlain));
    }
    for (InputDeclaration& input : declared_.inputs) add_input(input);
    for (StateDeclaration& state : declared_.states) add_state(state);
    for (ConstantDeclaration& constant : declared_.constants) add_constant(constant);
    for (const NodeDeclaration& node : declared_.nodes) {
      results_.push_back({define(node.name, ValueKind::kNode, node.type)});
      node_of_result_.push_back(node_of_result_.size());
    }
    for (size_t i = 0; i < declared_.nodes.size(); ++i) define_more_results(i);
    share_initializers();
    std::vector<std::optional<Node>> nodes;
    for (size_t i = 0; i < declared_.nodes.size(); ++i) nodes.push_back(resolve_node(i));
    add_in_order(std::move(nodes));
    for (const OutputDeclaration& output : declared_.outputs) add_output(output);
    if (declared_.training) add_training(*declared_.training);
    if (declared_.parallel) add_parallel(*declared_.parallel);
    check_purpose();
    // Where there are errors, the parts that are in order are checked all the same: theirs would
    // come up only after those found so far are mended.
    const ValueTypes types = infer_types(graph_, types_, diagnostics_);
    if (diagnostics_.num_errors() > 0) return reported();
    for (const ValueId id : graph_.values.ids()) graph_.values[id].type = *types[id];
    warn_of_unused();
    return std::move(request_);
  }

 private:
  ValueId define(const NameAt& name, ValueKind kind, std::optional<TensorType> type) {
    Value value;
    value.kind = kind;
    value.name = name.text;
    value.where = name.where;
    types_.push_back(std::move(type));
    const ValueId id = graph_.values.push_back(std::move(value));
    if (name.text.empty()) return id;
    if (!is_identifier(name.text)) {
      diagnostics_.error(name.where, graphrt::quoted_name(name.text) + " is not a name",
                         "a name is a letter or '_', then letters, digits, '_' and '.'");
    }
    const auto [at, is_new] = ids_.emplace(name.text, id);
    if (!is_new) {
      diagnostics_.error(name.where, graphrt::quoted_name(name.text) + " is defined twice")
          .notes.push_back(note_at(graph_.values[at->second].where, "first defined here"));
    }
    names_.push_back(name.text);
    return id;
  }

  /// Those behind the first one have names that the operator gives them.
  void define_more_results(size_t index) {
    const NodeDeclaration& declared = declared_.nodes[index];
    const OpInfo* op = declared.op ? find_op(declared.op->text) : nullptr;
    if (op == nullptr) return;
    for (size_t i = 1; i < op->num_results(); ++i) {
      NameAt name{result_name(*op, declared.name.text, i), declared.name.where};
      const bool has_type = i <= declared.more_types.size();
      results_[index].push_back(
          define(name, ValueKind::kNode,
                 has_type ? std::optional(declared.more_types[i - 1]) : std::nullopt));
      node_of_result_.push_back(index);
    }
    check_result_names(declared, *op);
  }

  /// Where they are written, they are the operator's.
  void check_result_names(const NodeDeclaration& declared, const OpInfo& op) {
    for (size_t i = 0; i < declared.more_results.size(); ++i) {
      const NameAt& name = declared.more_results[i];
      if (i >= op.more_results.size()) {
        diagnostics_.error(name.where, std::string(op.name) + " has " +
                                           std::to_string(op.num_results()) + " result" +
                                           (op.num_results() == 1 ? "" : "s"));
        return;
      }
      const std::string wanted = result_name(op, declared.name.text, i + 1);
      if (name.text == wanted) continue;
      diagnostics_.error(name.where, "result " + std::to_string(i + 1) + " of " +
                                         graphrt::quoted_name(declared.name.text) + " is named " +
                                         graphrt::quoted_name(wanted));
    }
  }

  void add_input(InputDeclaration& input) {
    const ValueId id = define(input.name, ValueKind::kInput, std::move(input.type));
    graph_.values[id].feed_path = text_of(input.feed);
  }

  void add_state(StateDeclaration& state) {
    const ValueId id = define(state.name, ValueKind::kState, std::move(state.type));
    graph_.values[id].device = text_of(state.device);
    graph_.values[id].device_where = place_of(state.device);
    graph_.values[id].initializer = std::move(state.initializer);
    if (state.name.text == kNoStateName) {
      diagnostics_.error(state.name.where, "no state can have the name " + state.name.text,
                         "in a file of states, it is that of the file's own remarks");
    }
    states_.push_back(id);
    state_names_.push_back(state.name.text);
  }

  void add_constant(ConstantDeclaration& constant) {
    const ValueId id = define(constant.name, ValueKind::kConstant, std::move(constant.type));
    graph_.values[id].initializer = std::move(constant.initializer);
  }

  std::optional<ValueId> find(const NameAt& name) {
    const auto at = ids_.find(name.text);
    if (at != ids_.end()) return at->second;
    if (!declared_.is_complete) return std::nullopt;
    diagnostics_.error(name.where, graphrt::quoted_name(name.text) + " is not defined",
                       did_you_mean(name.text, names_, diagnostics_.hint_budget()));
    return std::nullopt;
  }

  std::optional<ValueId> find_state(const NameAt& name, std::string_view why) {
    const auto at = ids_.find(name.text);
    if (at == ids_.end() && !declared_.is_complete) return std::nullopt;
    if (at == ids_.end()) {
      diagnostics_.error(name.where, "there is no state " + graphrt::quoted_name(name.text),
                         did_you_mean(name.text, state_names_, diagnostics_.hint_budget()));
      return std::nullopt;
    }
    const Value& value = graph_.values[at->second];
    if (value.kind == ValueKind::kState) return at->second;
    diagnostics_
        .error(name.where, graphrt::quoted_name(name.text) + " is " +
                               std::string(described(value.kind)) + "; " + std::string(why))
        .notes.push_back(note_at(value.where, "defined here"));
    return std::nullopt;
  }

  void share_initializers() {
    std::map<ValueId, ValueId> source_of;
    for (size_t i = 0; i < states_.size(); ++i) {
      const std::optional<NameAt>& same_as = declared_.states[i].same_as;
      if (!same_as) continue;
      const auto source = find_state(*same_as, "`same_as` names a state");
      if (source) source_of.emplace(states_[i], *source);
    }
    const std::map<ValueId, std::optional<ValueId>> origins = origins_of(source_of);
    for (size_t i = 0; i < states_.size(); ++i) {
      if (source_of.contains(states_[i])) share_initializer(i, origins.at(states_[i]));
    }
  }

  /// Where each state's first value comes from in the end; nothing if from itself.
  static std::map<ValueId, std::optional<ValueId>> origins_of(
      const std::map<ValueId, ValueId>& source_of) {
    std::map<ValueId, std::optional<ValueId>> origins;
    for (const auto& [state, source] : source_of) {
      std::set<ValueId> path;
      ValueId at = state;
      while (source_of.contains(at) && !origins.contains(at) && path.insert(at).second) {
        at = source_of.at(at);
      }
      std::optional<ValueId> origin;
      if (origins.contains(at)) {
        origin = origins.at(at);
      } else if (!source_of.contains(at)) {
        origin = at;
      }
      for (const ValueId passed : path) origins.emplace(passed, origin);
    }
    return origins;
  }

  void share_initializer(size_t index, std::optional<ValueId> source) {
    Value& state = graph_.values[states_[index]];
    if (!source) {
      diagnostics_.error(
          declared_.states[index].same_as->where,
          "the first value of " + graphrt::quoted_name(state.name) + " is defined by itself");
      return;
    }
    const Value& origin = graph_.values[*source];
    state.initializer = origin.initializer;
    const std::optional<TensorType>& type = types_[states_[index]];
    const std::optional<TensorType>& type_of_origin = types_[*source];
    if (!type_of_origin || !type || *type_of_origin == *type) return;
    diagnostics_
        .error(declared_.states[index].same_as->where,
               graphrt::quoted_name(state.name) + " is " + to_string(*type) + ", but " +
                   graphrt::quoted_name(origin.name) + ", whose first value it takes, is " +
                   to_string(*type_of_origin))
        .notes.push_back(
            note_at(origin.where, graphrt::quoted_name(origin.name) + " is declared here"));
  }

  /// The node, or nothing if any part of it is wrong.
  std::optional<Node> resolve_node(size_t index) {
    const NodeDeclaration& declared = declared_.nodes[index];
    const size_t errors_before = diagnostics_.num_errors();
    Node node;
    node.name = declared.name.text;
    node.results = results_[index];
    node.device = text_of(declared.device);
    node.device_where = place_of(declared.device);
    resolve_more_devices(declared, node);
    node.keep = declared.keep;
    if (declared.precision) node.precision = resolve_precision(*declared.precision, diagnostics_);
    node.where = declared.name.where;
    read_edges_.emplace_back();
    if (declared.inputs) resolve_inputs(*declared.inputs, node);
    if (declared.op) resolve_operator(declared, node, diagnostics_);
    resolve_updates(declared, node);
    const auto defined = ids_.find(node.name);
    const bool is_first = defined != ids_.end() && defined->second == node.result();
    const bool is_whole = node.op != nullptr && declared.inputs &&
                          node.inputs.size() == declared.inputs->size() && is_first &&
                          std::all_of(declared.attributes.begin(), declared.attributes.end(),
                                      [](const auto& a) { return a.value.has_value(); });
    if (!is_whole || diagnostics_.num_errors() > errors_before) return std::nullopt;
    return node;
  }

  void resolve_more_devices(const NodeDeclaration& declared, Node& node) {
    std::set<std::string_view> listed;
    if (node.device) listed.insert(*node.device);
    for (const NameAt& device : declared.also_on) {
      const bool is_new = listed.insert(device.text).second;
      if (!is_new)
        diagnostics_.error(device.where, graphrt::quoted_name(device.text) + " is listed twice");
      node.also_on.push_back(device.text);
    }
  }

  void resolve_inputs(const std::vector<NameAt>& inputs, Node& node) {
    for (const NameAt& input : inputs) {
      const std::optional<ValueId> value = find(input);
      if (!value) continue;
      node.inputs.push_back(*value);
      node.input_places.push_back(input.where);
      const int32_t number = value->value() - first_result();
      if (number < 0) continue;
      read_edges_.back().push_back(node_of_result_[static_cast<size_t>(number)]);
    }
  }

  /// Results of nodes are numbered last, in file order.
  int32_t first_result() const { return results_.empty() ? 0 : results_.front().front().value(); }

  void resolve_updates(const NodeDeclaration& declared, Node& node) {
    if (declared.updates) node.updates = resolve_update(*declared.updates);
    for (const NameAt& updates : declared.more_updates) {
      if (const auto state = resolve_update(updates)) node.more_updates.push_back(*state);
    }
  }

  std::optional<ValueId> resolve_update(const NameAt& updates) {
    const std::optional<ValueId> state = find_state(updates, "only a state can be updated");
    if (!state) return std::nullopt;
    const auto [at, is_new] = updates_.emplace(*state, updates.where);
    if (is_new) return state;
    diagnostics_
        .error(updates.where,
               "the state " + graphrt::quoted_name(updates.text) + " is updated twice")
        .notes.push_back(note_at(at->second, "first updated here"));
    return state;
  }

  void add_in_order(std::vector<std::optional<Node>> nodes) {
    const TopologicalOrder sorted = sort_topologically(read_edges_);
    for (const std::vector<size_t>& cycle : sorted.cycles) report_cycle(cycle);
    for (const size_t index : sorted.order) {
      if (!nodes[index]) continue;
      const std::vector<ValueId> results = nodes[index]->results;
      const NodeId id = graph_.nodes.push_back(*std::move(nodes[index]));
      for (const ValueId result : results) graph_.values[result].producer = id;
    }
  }

  void report_cycle(const std::vector<size_t>& cycle) {
    std::string path;
    for (const size_t index : cycle) path += declared_.nodes[index].name.text + " -> ";
    const NameAt& first = declared_.nodes[cycle.front()].name;
    diagnostics_.error(first.where, "nodes need each other's results: " + path + first.text,
                       "what a step hands to the next is a state with a node that `updates` it");
  }

  void add_output(const OutputDeclaration& output) {
    const std::optional<ValueId> value = find(output.value);
    if (!value) return;
    const auto [first, is_new] = output_places_.emplace(*value, output.value.where);
    if (!is_new) {
      diagnostics_
          .error(output.value.where,
                 graphrt::quoted_name(output.value.text) + " is an output twice")
          .notes.push_back(note_at(first->second, "first here"));
      return;
    }
    graph_.outputs.push_back(
        {*value, text_of(output.device), output.value.where, place_of(output.device)});
  }

  void add_training(const TrainingDeclaration& training) {
    const NameLookup names = {
        [this](const NameAt& name) { return find(name); },
        [this](const NameAt& name) { return find_state(name, "only a state can be trained"); }};
    request_.training = resolve_training(training, names, diagnostics_);
  }

  void add_parallel(const ParallelDeclaration& parallel) {
    request_.parallel = resolve_parallel(parallel, diagnostics_);
    for (const LayersDeclaration& layers : parallel.layers) {
      request_.layer_places.push_back(layers.device.where);
      for (const NameAt& name : layers.nodes) pin(name, layers.device);
    }
  }

  void pin(const NameAt& name, const NameAt& device) {
    const std::optional<ValueId> value = find(name);
    if (!value) return;
    const Value& defined = graph_.values[*value];
    if (defined.kind != ValueKind::kNode) {
      diagnostics_
          .error(name.where, graphrt::quoted_name(name.text) + " is " +
                                 std::string(described(defined.kind)) + "; `layers` names nodes")
          .notes.push_back(note_at(defined.where, "defined here"));
    }
    if (!defined.producer) return;
    Node& node = graph_.nodes[*defined.producer];
    if (node.device) {
      diagnostics_
          .error(name.where, graphrt::quoted_name(name.text) + " is already pinned to " +
                                 graphrt::quoted_name(*node.device))
          .notes.push_back(note_at(node.device_where, "here"));
      return;
    }
    node.device = device.text;
    node.device_where = device.where;
  }

  void check_purpose() {
    if (!declared_.outputs.empty() || declared_.training || !declared_.is_complete) return;
    for (const NodeDeclaration& node : declared_.nodes) {
      if (node.updates) return;
    }
    diagnostics_.error(declared_.name.where,
                       "there is nothing to compute: no outputs, and no node updates a state");
  }

  void warn_of_unused() {
    IdVector<ValueId, char> is_used(graph_.values.size(), 0);
    for (const Node& node : graph_.nodes) {
      for (const ValueId input : node.inputs) is_used[input] = 1;
      for (const ValueId state : node.updated_states()) is_used[state] = 1;
    }
    for (const GraphOutput& output : graph_.outputs) is_used[output.value] = 1;
    if (request_.training) is_used[request_.training->loss] = 1;
    for (const ValueId id : graph_.values.ids()) {
      const Value& value = graph_.values[id];
      const bool is_interface = value.kind == ValueKind::kInput || value.kind == ValueKind::kState;
      if (is_used[id] != 0 || !is_interface) continue;
      diagnostics_.warning(value.where,
                           (value.kind == ValueKind::kInput ? "the input " : "the state ") +
                               graphrt::quoted_name(value.name) + " is never used");
    }
  }

  GraphDeclarations declared_;
  DiagnosticSink& diagnostics_;
  GraphRequest request_;
  Graph& graph_ = request_.forward;
  ValueTypes types_;  // as declared
  std::map<std::string, ValueId> ids_;
  std::vector<std::string> names_;
  std::vector<ValueId> states_;                // one a declared state
  std::vector<std::string> state_names_;       // the same
  std::vector<std::vector<ValueId>> results_;  // one list a declared node
  std::vector<size_t> node_of_result_;         // which one's, from the first result on
  std::map<ValueId, SourceRange> updates_;
  std::map<ValueId, SourceRange> output_places_;
  std::vector<std::vector<size_t>> read_edges_;  // per declared node: the nodes it reads
};

}  // namespace

Result<GraphRequest> build_graph(GraphDeclarations declarations, DiagnosticSink& diagnostics) {
  return GraphBuilder(std::move(declarations), diagnostics).build();
}

}  // namespace graphc
