#include "compiler/passes/fuse_attention.h"

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/passes/remove_nodes.h"
#include "runtime/base/f32_range.h"
#include "runtime/base/name_index.h"

namespace graphc {
namespace {

/// Kernels of accelerators take heads of up to so many elements.
constexpr int64_t kMaxHeadSize = 128;
constexpr int kRank = 4;

/// From [B, H, T, D] to [B, T, H, D], and back.
const std::vector<int64_t> kSwapHeads = {0, 2, 1, 3};
/// From [B, S, H, D] to [B, H, D, S].
const std::vector<int64_t> kKeysLast = {0, 2, 3, 1};

class Finder {
 public:
  Finder(Graph graph, const std::optional<Training>& training)
      : graph_(std::move(graph)),
        removal_(graph_),
        num_readers_(graph_.values.size(), 0),
        needs_gradient_(graph_.values.size(), 0) {
    if (training) mark_trained(*training);
    for (const Node& node : graph_.nodes) {
      for (const ValueId input : node.inputs) {
        ++num_readers_[input];
        if (needs_gradient_[input] == 0) continue;
        for (const ValueId result : node.results) needs_gradient_[result] = 1;
      }
    }
    for (const GraphOutput& output : graph_.outputs) ++num_readers_[output.value];
    for (const Value& value : graph_.values) names_.insert(value.name);
  }

  Graph run() {
    for (const NodeId id : graph_.nodes.ids()) {
      if (!transposes(id, kSwapHeads) || node(id).precision) continue;
      const auto product = inner(node(id).inputs[0], node(id), "matmul");
      if (!product) continue;
      if (const auto form = match(*product, id)) fuse(*form, id);
    }
    // What has gained values has no flags for them yet.
    Removal removal(graph_);
    for (const NodeId id : graph_.nodes.ids()) removal.nodes[id] = removal_.nodes[id];
    return without(std::move(graph_), removal);
  }

 private:
  /// A written-out attention, from the product of queries and keys to that with the values.
  struct Form {
    std::vector<NodeId> nodes;  ///< all but the last one, whose result is that of all
    NodeId last;
    ValueId q, k, v;  ///< [B, T, H, D], [B, S, H, D], [B, S, H, E]
    std::optional<ValueId> mask;
    double scale = 1;
    bool is_causal = false;
    std::string math;
  };

  /// What is trained may not end up in a mask, which has no gradient.
  void mark_trained(const Training& training) {
    if (training.parameters) {
      for (const ListedParameter& each : *training.parameters) needs_gradient_[each.state] = 1;
      return;
    }
    for (const ValueId id : graph_.values.ids()) {
      if (graph_.values[id].kind == ValueKind::kState) needs_gradient_[id] = 1;
    }
  }

  const Node& node(NodeId id) const { return graph_.nodes[id]; }
  const Shape& shape_of(ValueId value) const { return graph_.type_of(value).shape; }

  /// Who makes `value` by that operator, if `reader` alone reads it and both may become one.
  std::optional<NodeId> inner(ValueId value, const Node& reader, std::string_view op) const {
    const std::optional<NodeId>& producer = graph_.values[value].producer;
    if (!producer || num_readers_[value] != 1) return std::nullopt;
    const Node& made = node(*producer);
    const bool is_left_alone = made.keep || made.updates || made.precision ||
                               made.device != reader.device || made.also_on != reader.also_on;
    if (made.op->name != op || is_left_alone) return std::nullopt;
    return producer;
  }

  static bool is_plain_product(const Node& product) {
    return product.inputs.size() == 2 && !product.attributes.flag("relu") &&
           !product.attributes.flag("transpose_a") && product.attributes.text("to", "").empty();
  }

  /// The form that ends with product `id`, which `swap_back` reads.
  std::optional<Form> match(NodeId id, NodeId swap_back) const {
    const Node& last = node(id);
    const bool is_of_weights_and_values = is_plain_product(last) &&
                                          !last.attributes.flag("transpose_b") &&
                                          last.attributes.number("alpha", 1) == 1;
    const auto softmax = inner(last.inputs[0], last, "softmax");
    const auto v = before_transpose(last.inputs[1], kSwapHeads);
    if (!is_of_weights_and_values || !softmax || !v || !is_over_keys(node(*softmax))) {
      return std::nullopt;
    }
    Form form;
    form.nodes = {*softmax};
    form.last = id;
    form.v = *v;
    form.is_causal = node(*softmax).attributes.flag("causal");
    form.math = last.attributes.text("math", "f32");
    if (!match_scores(node(*softmax).inputs[0], node(*softmax), form)) return std::nullopt;
    const std::string log_sum = result_name(*find_op("attention"), node(swap_back).name, 1);
    return fits(form) && !names_.contains(log_sum) ? std::optional(std::move(form)) : std::nullopt;
  }

  static bool is_over_keys(const Node& softmax) {
    const int64_t axis = softmax.attributes.integer("axis", -1);
    return axis == -1 || axis == kRank - 1;
  }

  /// scale · q k^T, and a mask that is added to it.
  bool match_scores(ValueId scores, const Node& reader, Form& form) const {
    const Node* by = &reader;
    if (const auto add = inner(scores, *by, "add")) {
      for (const size_t product_side : {size_t{0}, size_t{1}}) {
        Form tried = form;
        tried.nodes.push_back(*add);
        tried.mask = node(*add).inputs[1 - product_side];
        if (needs_gradient_[*tried.mask] != 0) continue;
        if (!match_product(node(*add).inputs[product_side], node(*add), tried)) continue;
        form = std::move(tried);
        return true;
      }
      return false;
    }
    return match_product(scores, *by, form);
  }

  bool match_product(ValueId scores, const Node& reader, Form& form) const {
    const Node* by = &reader;
    if (const auto scale = inner(scores, *by, "scale")) {
      form.scale = node(*scale).attributes.number("factor", 1);
      form.nodes.push_back(*scale);
      by = &node(*scale);
      scores = by->inputs[0];
    }
    const auto product = inner(scores, *by, "matmul");
    if (!product || !is_plain_product(node(*product))) return false;
    const Node& qk = node(*product);
    const auto q = before_transpose(qk.inputs[0], kSwapHeads);
    const auto k =
        before_transpose(qk.inputs[1], qk.attributes.flag("transpose_b") ? kSwapHeads : kKeysLast);
    if (!q || !k || qk.attributes.text("math", "f32") != form.math) return false;
    form.scale *= qk.attributes.number("alpha", 1);
    form.nodes.push_back(*product);
    form.q = *q;
    form.k = *k;
    return true;
  }

  bool fits(const Form& form) const {
    const Shape& q = shape_of(form.q);
    const Shape& k = shape_of(form.k);
    if (q[3] > kMaxHeadSize || shape_of(form.v)[3] > kMaxHeadSize) return false;
    // A row of a causal softmax sees as many keys as its number says, counted from the front.
    if (form.is_causal && q[1] != k[1]) return false;
    if (graphrt::find_misfit_of_f32(form.scale) || form.scale == 0) return false;
    return types_of(form).has_value();  // a mask may make more of the scores than they were
  }

  static std::vector<ValueId> operands_of(const Form& form) {
    std::vector<ValueId> operands = {form.q, form.k, form.v};
    if (form.mask) operands.push_back(*form.mask);
    return operands;
  }

  static Attributes attributes_of(const Form& form) {
    Attributes attributes;
    attributes.set("scale", form.scale);
    if (form.is_causal) attributes.set("causal", true);
    if (form.math != "f32") attributes.set("math", form.math);
    return attributes;
  }

  std::optional<std::vector<TensorType>> types_of(const Form& form) const {
    std::vector<TensorType> operands;
    for (const ValueId operand : operands_of(form)) operands.push_back(graph_.type_of(operand));
    const auto types = infer_types(*find_op("attention"), operands, attributes_of(form));
    return types ? std::optional(*types) : std::nullopt;
  }

  /// The operand of a transpose that gives `value` with these axes.
  std::optional<ValueId> before_transpose(ValueId value, const std::vector<int64_t>& axes) const {
    const std::optional<NodeId>& producer = graph_.values[value].producer;
    if (!producer || !transposes(*producer, axes)) return std::nullopt;
    return node(*producer).inputs[0];
  }

  bool transposes(NodeId id, const std::vector<int64_t>& axes) const {
    const Node& made = node(id);
    if (made.op->name != "transpose") return false;
    std::vector<int64_t> given = made.attributes.list("axes");
    for (int64_t& axis : given) axis += axis < 0 ? kRank : 0;
    return given == axes;
  }

  /// In the place of what swaps the heads back.
  void fuse(const Form& form, NodeId swap_back) {
    for (const NodeId id : form.nodes) removal_.nodes[id] = 1;
    removal_.nodes[form.last] = 1;
    Node& fused = graph_.nodes[swap_back];
    fused.op = find_op("attention");
    fused.inputs = operands_of(form);
    fused.input_places.clear();
    fused.attribute_places.clear();
    fused.attributes = attributes_of(form);
    Value log_sum;
    log_sum.name = result_name(*fused.op, fused.name, 1);
    log_sum.where = fused.where;
    log_sum.producer = swap_back;
    log_sum.type = types_of(form)->back();
    names_.insert(log_sum.name);
    fused.results.push_back(graph_.values.push_back(std::move(log_sum)));
  }

  Graph graph_;
  Removal removal_;
  IdVector<ValueId, size_t> num_readers_;   ///< an output counts as one
  IdVector<ValueId, char> needs_gradient_;  ///< depends on what is trained
  std::set<std::string> names_;
};

/// Names of the loss, and of what is listed to be trained.
std::vector<std::string> names_of_training(const GraphRequest& request) {
  const auto& values = request.forward.values;
  std::vector<std::string> names = {values[request.training->loss].name};
  if (!request.training->parameters) return names;
  for (const ListedParameter& parameter : *request.training->parameters) {
    names.push_back(values[parameter.state].name);
  }
  return names;
}

/// They have the same names, but other ids where values went.
void find_again(const std::vector<std::string>& names, GraphRequest& request) {
  const graphrt::NameIndex by_name(request.forward.values);
  const auto find = [&](size_t number) { return ValueId(*by_name.find(names[number])); };
  request.training->loss = find(0);
  if (!request.training->parameters) return;
  for (size_t i = 1; i < names.size(); ++i) {
    (*request.training->parameters)[i - 1].state = find(i);
  }
}

}  // namespace

Result<GraphRequest> fuse_attention(GraphRequest request, DiagnosticSink&) {
  std::vector<std::string> names;
  if (request.training) names = names_of_training(request);
  request.forward = Finder(std::move(request.forward), request.training).run();
  if (request.training) find_again(names, request);
  return request;
}

}  // namespace graphc
