#include "compiler/passes/pack_attention.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/unique_names.h"
#include "compiler/passes/append_node.h"
#include "runtime/op/attention.h"

namespace graphc {
namespace {

constexpr size_t kNumParts = 3;
constexpr AttentionOperands kParts = graphrt::kOperandsOfAttention;

class Packing {
 public:
  explicit Packing(const GraphRequest& request)
      : graph_(request.forward), names_(graph_), num_readers_(graph_.values.size(), 0) {
    count_readers(request.training);
  }

  Graph run() {
    for (Node& node : std::exchange(graph_.nodes, {})) {
      const auto products = products_of(node);
      if (products) {
        replace(node, *products);
      } else {
        append_node(graph_, std::move(node));
      }
    }
    return std::move(graph_);
  }

 private:
  /// The products that give q, k and v, by their results.
  using Products = std::array<NodeId, kNumParts>;

  /// Of what is needed; an output counts as one, and so does the loss.
  void count_readers(const std::optional<Training>& training) {
    for (const GraphOutput& output : graph_.outputs) ++num_readers_[output.value];
    if (training) ++num_readers_[training->loss];
    for (size_t i = graph_.nodes.size(); i > 0; --i) {
      const Node& node = graph_.nodes[NodeId(i - 1)];
      const bool is_needed = node.keep || node.updates ||
                             std::any_of(node.results.begin(), node.results.end(),
                                         [&](ValueId result) { return num_readers_[result] > 0; });
      if (!is_needed) continue;
      for (const ValueId input : node.inputs) ++num_readers_[input];
    }
  }

  const Node* producer_of(ValueId value) const {
    const std::optional<NodeId>& producer = graph_.values[value].producer;
    return producer ? &graph_.nodes[*producer] : nullptr;
  }

  /// Who makes `value` by that operator for `reader` alone, if both may become one.
  const Node* inner(ValueId value, const Node& reader, std::string_view op) const {
    const Node* made = producer_of(value);
    if (made == nullptr || made->op->name != op || num_readers_[value] != 1) return nullptr;
    const bool is_left_alone = made->keep || made->updates || made->device != reader.device ||
                               made->also_on != reader.also_on;
    return is_left_alone ? nullptr : made;
  }

  std::optional<Products> products_of(const Node& attention) const {
    if (attention.op->name != "attention" || attention.keep) return std::nullopt;
    const std::array operands = {kParts.q, kParts.k, kParts.v};
    Products products = {};
    for (size_t i = 0; i < kNumParts; ++i) {
      const Node* heads = inner(attention.inputs[operands[i]], attention, "reshape");
      const Node* product = heads ? inner(heads->inputs[0], attention, "matmul") : nullptr;
      if (product == nullptr || graph_.type_of(product->result()).rank() != 2) return std::nullopt;
      products[i] = *graph_.values[product->result()].producer;
    }
    return are_alike(products) && have_heads_alike(attention) && are_worth_it(products)
               ? std::optional(products)
               : std::nullopt;
  }

  /// The same for all but the weights and the bias.
  bool are_alike(const Products& products) const {
    const Node& first = graph_.nodes[products[0]];
    return std::all_of(products.begin(), products.end(), [&](NodeId id) {
      const Node& product = graph_.nodes[id];
      const bool has_matrix =
          product.inputs.size() > 3 ||
          (product.inputs.size() == 3 && graph_.type_of(product.inputs[2]).rank() != 1);
      return product.inputs[0] == first.inputs[0] && product.attributes == first.attributes &&
             product.inputs.size() == first.inputs.size() && !has_matrix &&
             !product.attributes.flag("transpose_a");
    });
  }

  /// Heads of one size, of as many queries as keys.
  bool have_heads_alike(const Node& attention) const {
    const Shape& q = graph_.type_of(attention.inputs[kParts.q]).shape;
    const Shape& k = graph_.type_of(attention.inputs[kParts.k]).shape;
    const Shape& v = graph_.type_of(attention.inputs[kParts.v]).shape;
    return q[1] == k[1] && q[3] == v[3];
  }

  /// Without packing, x is read once for each product. With it, weights are read and written once more.
  bool are_worth_it(const Products& products) const {
    int64_t weight_bytes = 0;
    for (const NodeId id : products) {
      weight_bytes += graph_.type_of(graph_.nodes[id].inputs[1]).size_bytes();
    }
    const TensorType& x = graph_.type_of(graph_.nodes[products[0]].inputs[0]);
    const int64_t saved_bytes = static_cast<int64_t>(kNumParts - 1) * x.size_bytes();
    return saved_bytes > 2 * weight_bytes;
  }

  /// A node where `whole` is, called by `last` behind its name.
  ValueId add_named(std::string_view op, std::vector<ValueId> inputs, Attributes attributes,
                    const Node& whole, const std::string& last) {
    Node node = node_in_place_of(whole, op, std::move(inputs), std::move(attributes));
    node.name = whole.name + "." + last;
    return append_new_node(graph_, names_, std::move(node));
  }

  /// The parts one after the other along an axis. If all are casts to one type, it is a cast of what
  /// they are made from.
  ValueId join(std::vector<ValueId> parts, int64_t axis, const Node& whole,
               const std::string& name) {
    const Node* cast = producer_of(parts[0]);
    const auto is_like_first = [&](ValueId part) {
      const Node* made = producer_of(part);
      return made != nullptr && made->op->name == "cast" && !made->keep &&
             made->device == whole.device &&
             graph_.type_of(made->inputs[0]).element == graph_.type_of(cast->inputs[0]).element;
    };
    const bool are_casts = std::all_of(parts.begin(), parts.end(), is_like_first);
    if (are_casts) {
      for (ValueId& part : parts) part = producer_of(part)->inputs[0];
    }
    Attributes attributes;
    attributes.set("axis", axis);
    const Attributes of_cast = are_casts ? cast->attributes : Attributes();
    const ValueId joined =
        add_named("concat", std::move(parts), std::move(attributes), whole, name);
    if (!are_casts) return joined;
    return add_named("cast", {joined}, of_cast, whole, name + ".cast");
  }

  /// The weights, or biases, of all products.
  std::vector<ValueId> operands_of(const Products& products, size_t operand) const {
    std::vector<ValueId> operands;
    for (const NodeId id : products) operands.push_back(graph_.nodes[id].inputs[operand]);
    return operands;
  }

  void replace(Node& attention, const Products& products) {
    const Attributes of_products = graph_.nodes[products[0]].attributes;
    const bool is_transposed = of_products.flag("transpose_b");
    const bool has_bias = graph_.nodes[products[0]].inputs.size() > 2;
    std::vector<ValueId> inputs = {
        graph_.nodes[products[0]].inputs[0],
        join(operands_of(products, 1), is_transposed ? 0 : 1, attention, "weights")};
    if (has_bias) inputs.push_back(join(operands_of(products, 2), 0, attention, "bias"));
    const ValueId product =
        add_named("matmul", std::move(inputs), of_products, attention, "product");

    const Shape q = graph_.type_of(attention.inputs[kParts.q]).shape;
    const int64_t key_heads = graph_.type_of(attention.inputs[kParts.k]).shape[2];
    Attributes shape;
    shape.set("shape", std::vector<int64_t>{q[0], q[1], q[2] + 2 * key_heads, q[3]});
    const ValueId heads = add_named("reshape", {product}, std::move(shape), attention, "heads");

    std::vector<ValueId> operands = {heads};
    if (attention.inputs.size() > kParts.mask) operands.push_back(attention.inputs[kParts.mask]);
    attention.op = find_op("packed_attention");
    attention.inputs = std::move(operands);
    attention.input_places.clear();
    attention.attributes.set("key_heads", key_heads);
    append_node(graph_, std::move(attention));
  }

  Graph graph_;
  UniqueNames names_;
  IdVector<ValueId, size_t> num_readers_;
};

}  // namespace

Result<GraphRequest> pack_attention(GraphRequest request, DiagnosticSink&) {
  request.forward = Packing(request).run();
  return request;
}

}  // namespace graphc
