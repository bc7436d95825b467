#include "compiler/passes/lower_precision.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "compiler/graph/unique_names.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

class Lowering {
 public:
  Lowering(Graph graph, ElementType precision, DiagnosticSink& diagnostics)
      : graph_(std::move(graph)),
        precision_(precision),
        diagnostics_(diagnostics),
        names_(graph_) {}

  Result<Graph> run() {
    const size_t errors_before = diagnostics_.num_errors();
    for (Node& node : std::exchange(graph_.nodes, {})) lower(std::move(node));
    if (diagnostics_.num_errors() > errors_before) return reported();
    return std::move(graph_);
  }

 private:
  /// Whether the node gives no floats, and those that it reads have one type.
  bool is_question(const Node& node) const {
    if (graphrt::is_float(graph_.type_of(node.result()).element)) return false;
    std::set<ElementType> read;
    for (const TensorType& type : input_types(node)) {
      if (graphrt::is_float(type.element)) read.insert(type.element);
    }
    return read.size() <= 1;
  }

  /// What the node's results are to be stored as; of one that gives no floats, what it reads.
  ElementType precision_of(const Node& node) const {
    if (node.precision) return *node.precision;
    const TensorType& before = graph_.type_of(node.result());
    if (!graphrt::is_float(before.element)) return ElementType::kF32;
    // Without a precision of `train`, what has none of its own stays what it is.
    const bool is_number = before.num_elements() == 1;
    const bool stays = node.updates || node.op->stays_f32 || is_number;
    return stays || precision_ == ElementType::kF32 ? before.element : precision_;
  }

  void lower(Node node) {
    // What the user casts is cast as the user says; what agrees and gives no floats reads it as it
    // is.
    if (node.op->name != "cast" && !is_question(node)) {
      const ElementType wanted = precision_of(node);
      for (size_t i = 0; i < node.inputs.size(); ++i) adapt_operand(node, i, wanted);
      choose_result(node, wanted);
      // How f32 operands are multiplied does not matter to others.
      if (wanted != ElementType::kF32) node.attributes.erase("math");
    }
    node.precision.reset();
    infer(node);
    add(std::move(node));
  }

  /// Whether kernels of the operator read that operand as f32, whatever else they read.
  static bool may_stay_f32(const OpInfo& op, size_t operand) {
    return (op.f32_operands >> operand & 1) != 0;
  }

  void adapt_operand(Node& node, size_t operand, ElementType wanted) {
    const ElementType given = graph_.type_of(node.inputs[operand]).element;
    if (!graphrt::is_float(given) || given == wanted) return;
    if (given == ElementType::kF32 && may_stay_f32(*node.op, operand)) return;
    // Kernels that keep their result in f32 read what is coarser as it is.
    if (wanted == ElementType::kF32 && reads_coarser(node)) return;
    node.inputs[operand] = cast(node.inputs[operand], wanted, node);
  }

  /// Whether the node gives f32 although it reads less precise operands.
  bool reads_coarser(const Node& node) const {
    Node tried = node;
    choose_result(tried, ElementType::kF32);
    const auto types = infer_types(*tried.op, input_types(tried), tried.attributes);
    return types && types->front().element == ElementType::kF32;
  }

  /// Where the operator lets one choose the type of its result.
  void choose_result(Node& node, ElementType wanted) const {
    if (node.op->name == "cast" || find_attribute(*node.op, "to") == nullptr) return;
    if (!graphrt::is_float(graph_.type_of(node.result()).element)) return;
    const auto types = infer_types(*node.op, input_types(node), node.attributes);
    if (types && types->front().element == wanted) return;
    node.attributes.set("to", std::string(to_string(wanted)));
  }

  std::vector<TensorType> input_types(const Node& node) const {
    std::vector<TensorType> types;
    for (const ValueId input : node.inputs) types.push_back(graph_.type_of(input));
    return types;
  }

  void infer(const Node& node) {
    const auto types = infer_types(*node.op, input_types(node), node.attributes);
    if (!types) {
      return refuse(node, types.error().message,
                    "`precision: f32` lets the node " + graphrt::quoted_name(node.name) +
                        " compute as it would without");
    }
    if (node.updates && types->front() != graph_.type_of(*node.updates)) {
      const Value& state = graph_.values[*node.updates];
      return refuse(node,
                    graphrt::quoted_name(node.name) + " is " + to_string(types->front()) +
                        ", but updates " + graphrt::quoted_name(state.name) + ", which is " +
                        to_string(state.type),
                    "what replaces a state has its type, if it has no precision of its own");
    }
    for (size_t i = 0; i < node.results.size(); ++i) {
      graph_.values[node.results[i]].type = (*types)[i];
    }
  }

  void refuse(const Node& node, const std::string& why, std::string hint) const {
    diagnostics_.error(node.where, "with this precision, " + why, std::move(hint));
  }

  /// The same for all who need it.
  ValueId cast(ValueId value, ElementType element, const Node& reader) {
    const auto [known, is_new] = casts_.try_emplace({value, element, reader.device});
    if (!is_new) return known->second;
    Value result;
    result.name = names_.unique(graph_.values[value].name + "." + std::string(to_string(element)));
    result.type = {element, graph_.type_of(value).shape};
    result.where = graph_.values[value].where;
    Node node;
    node.name = result.name;
    node.op = find_op("cast");
    node.attributes.set("to", std::string(to_string(element)));
    node.inputs = {value};
    node.device = reader.device;
    node.also_on = reader.also_on;
    node.device_where = reader.device_where;
    node.where = result.where;
    known->second = graph_.values.push_back(std::move(result));
    node.results = {known->second};
    add(std::move(node));
    return known->second;
  }

  void add(Node node) {
    const std::vector<ValueId> results = node.results;
    const NodeId id = graph_.nodes.push_back(std::move(node));
    for (const ValueId result : results) graph_.values[result].producer = id;
  }

  using CastKey = std::tuple<ValueId, ElementType, std::optional<std::string>>;

  Graph graph_;
  ElementType precision_;
  DiagnosticSink& diagnostics_;
  UniqueNames names_;
  std::map<CastKey, ValueId> casts_;
};

}  // namespace

bool asks_for_precision(const GraphRequest& request) {
  if (request.training && request.training->precision != ElementType::kF32) return true;
  return std::any_of(request.forward.nodes.begin(), request.forward.nodes.end(),
                     [](const Node& node) { return node.precision.has_value(); });
}

Result<GraphRequest> lower_precision(GraphRequest request, DiagnosticSink& diagnostics) {
  if (!asks_for_precision(request)) return request;
  const ElementType precision = request.training ? request.training->precision : ElementType::kF32;
  TRY(request.forward, Lowering(std::move(request.forward), precision, diagnostics).run());
  if (request.training) request.training->precision = ElementType::kF32;
  return request;
}

}  // namespace graphc
