#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "compiler/graph/graph.h"

namespace graphc {

/// Makes valid typed graphs over all operators, the same from the same seed: inputs, states with
/// and without updates, constants, kept and pinned nodes, outputs of every kind of value.
class RandomGraph {
 public:
  explicit RandomGraph(unsigned seed) : random_(seed) {}

  Graph make() {
    graph_ = {};
    graph_.name = "random";
    for (size_t i = below(3) + 1; i > 0; --i) add_source(ValueKind::kInput);
    for (size_t i = below(4); i > 0; --i) add_source(ValueKind::kState);
    for (size_t i = below(4); i > 0; --i) add_source(ValueKind::kConstant);
    const size_t num_nodes = below(20);
    for (size_t tries = 0; graph_.nodes.size() < num_nodes && tries < 400; ++tries) try_node();
    for (const ValueId id : graph_.values.ids()) {
      if (below(4) == 0) graph_.outputs.push_back({id, device(), {}, {}});
    }
    if (graph_.outputs.empty()) graph_.outputs.push_back({any_value(), std::nullopt, {}, {}});
    return std::move(graph_);
  }

 private:
  size_t below(size_t limit) { return static_cast<size_t>(random_()) % limit; }

  template <class T, size_t kSize>
  const T& any_of(const T (&choices)[kSize]) {
    return choices[below(kSize)];
  }

  ValueId any_value() { return ValueId(below(graph_.values.size())); }

  std::optional<std::string> device() {
    static const std::string kDevices[] = {"cpu", "gpu0", "node1/gpu0"};
    if (below(4) > 0) return std::nullopt;
    return any_of(kDevices);
  }

  TensorType any_type() {
    static const Shape kShapes[] = {{}, {4}, {4, 4}, {4, 4}, {4, 4}, {4, 3}, {3, 4}, {2, 4, 3}};
    return {below(5) == 0 ? ElementType::kI32 : ElementType::kF32, any_of(kShapes)};
  }

  float any_number() {
    static const float kNumbers[] = {0.0F, -0.0F, 0.1F, 1e-42F, -2.5F, 3e30F, 1.0F};
    return any_of(kNumbers);
  }

  std::vector<std::byte> any_data(const TensorType& type) {
    std::vector<std::byte> data(static_cast<size_t>(type.size_bytes()));
    const bool is_uniform = below(3) == 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < data.size(); i += sizeof bits) {
      const float number = any_number();
      if (i == 0 || !is_uniform) std::memcpy(&bits, &number, sizeof bits);
      if (type.element == ElementType::kI32) bits = static_cast<uint32_t>(below(4));
      std::memcpy(data.data() + i, &bits, sizeof bits);
    }
    return data;
  }

  Initializer any_initializer(const std::string& name, const TensorType& type) {
    static const InitializerKind kKinds[] = {InitializerKind::kUniform, InitializerKind::kHeNormal,
                                             InitializerKind::kXavier};
    Initializer initializer;
    const bool may_be_random = type.element == ElementType::kF32 && type.rank() > 0;
    switch (below(may_be_random ? 4 : 3)) {
      case 0:
        return initializer;
      case 1:
        initializer.kind = InitializerKind::kConstant;
        initializer.low = 2;
        return initializer;
      case 2:
        initializer.kind = InitializerKind::kData;
        initializer.data = any_data(type);
        return initializer;
      default:
        initializer.kind = any_of(kKinds);
        initializer.seed = random_();
        initializer.stream = below(2) == 0 ? name : "other";
        if (initializer.kind == InitializerKind::kUniform) initializer.low = -0.1;
        if (initializer.kind == InitializerKind::kUniform) initializer.high = 1.0 / 3;
        return initializer;
    }
  }

  void add_source(ValueKind kind) {
    Value value;
    value.kind = kind;
    value.name = "v" + std::to_string(graph_.values.size());
    value.type = any_type();
    if (kind == ValueKind::kState) value.initializer = any_initializer(value.name, value.type);
    if (kind == ValueKind::kState) value.device = device();
    if (kind == ValueKind::kConstant) {
      value.initializer.kind = InitializerKind::kData;
      value.initializer.data = any_data(value.type);
    }
    graph_.values.push_back(std::move(value));
  }

  AttributeValue any_attribute(AttributeKind kind) {
    static const std::string_view kTexts[] = {"tf32",
                                              "a \"word\"",
                                              "relu(x0)",
                                              "mul(x0, tanh(x0))",
                                              "scale(add(x1, x0), 0.5)",
                                              "sub(x2, mul(relu(x0), x1))"};
    switch (kind) {
      case AttributeKind::kBool:
        return below(2) == 0;
      case AttributeKind::kInt:
        return static_cast<int64_t>(below(6)) - 2;
      case AttributeKind::kFloat:
        return static_cast<double>(below(9)) / 3;
      case AttributeKind::kText:
        return std::string(any_of(kTexts));
      case AttributeKind::kIntList:
        break;
    }
    static const std::vector<int64_t> kLists[] = {{0}, {-1}, {0, 1}, {1, 0}, {16}, {4, -1}};
    return any_of(kLists);
  }

  /// Adds a node if what was drawn has a type.
  void try_node() {
    // Some operators more often, so that passes find something to do.
    static const std::string_view kFrequent[] = {"matmul",     "matmul", "transpose",
                                                 "transpose",  "add",    "relu",
                                                 "sgd_update", "slice",  "concat"};
    Node node;
    node.op = below(2) == 0 ? find_op(any_of(kFrequent)) : &all_ops()[below(all_ops().size())];
    const size_t most = std::min(node.op->max_inputs, node.op->min_inputs + 2);
    const size_t num_inputs = node.op->min_inputs + below(most - node.op->min_inputs + 1);
    std::vector<TensorType> types;
    for (size_t i = 0; i < num_inputs; ++i) {
      node.inputs.push_back(any_value());
      types.push_back(graph_.type_of(node.inputs.back()));
    }
    for (const AttributeSpec& spec : node.op->attributes) {
      if (!spec.is_required && below(2) == 0) continue;
      node.attributes.set(std::string(spec.name), any_attribute(spec.kind));
    }
    const auto given = infer_types(*node.op, types, node.attributes);
    if (!given || given->front().size_bytes() > 4096) return;
    add_node(std::move(node), *given);
  }

  void add_node(Node node, const std::vector<TensorType>& types) {
    const TensorType& type = types.front();
    node.name = "n" + std::to_string(graph_.nodes.size());
    for (size_t i = 0; i < types.size(); ++i) {
      Value value;
      value.kind = ValueKind::kNode;
      value.name = result_name(*node.op, node.name, i);
      value.type = types[i];
      value.producer = NodeId(graph_.nodes.size());
      node.results.push_back(graph_.values.push_back(std::move(value)));
    }
    node.device = device();
    node.keep = below(8) == 0;
    for (const ValueId state : graph_.values.ids()) {
      const bool may_update = graph_.values[state].kind == ValueKind::kState &&
                              graph_.type_of(state) == type && !graph_.next_values()[state];
      if (may_update && below(3) == 0) {
        node.updates = state;
        break;
      }
    }
    graph_.nodes.push_back(std::move(node));
  }

  std::mt19937 random_;
  Graph graph_;
};

}  // namespace graphc
