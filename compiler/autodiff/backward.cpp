#include "compiler/autodiff/backward.h"

#include <algorithm>
#include <string>
#include <utility>

#include "compiler/autodiff/gradient_rules.h"
#include "compiler/autodiff/node_gradient.h"

namespace graphc {
namespace {

/// At `where`, on the device that `value` is pinned to if a node gives it.
Origin origin_beside(const Graph& graph, ValueId value, const SourceRange& where) {
  const std::optional<NodeId>& producer = graph.values[value].producer;
  if (!producer) return {where, std::nullopt, {}};
  return {where, graph.nodes[*producer].device, graph.nodes[*producer].device_where};
}

class Backward {
 public:
  Backward(DerivedNodes& nodes, const TrainingPaths& paths)
      : nodes_(nodes),
        paths_(paths),
        num_forward_(nodes.graph().nodes.size()),
        num_readers_(nodes.graph().values.size(), 0),
        parts_(nodes.graph().values.size()) {
    for (const Node& node : nodes.graph().nodes) {
      if (!paths.is_on_path(node)) continue;
      for (const ValueId input : node.inputs) ++num_readers_[input];
    }
  }

  std::vector<ParameterGradient> run(ValueId loss) {
    parts_[loss].emplace_back(1.0);
    for (size_t i = num_forward_; i-- > 0;) {
      const NodeId id(i);
      if (paths_.is_on_path(nodes_.graph().nodes[id])) visit(id);
    }
    std::vector<ParameterGradient> gradients;
    for (const ValueId parameter : paths_.parameters) {
      gradients.push_back({parameter, tensor_of(parameter, total_of(parameter))});
    }
    return gradients;
  }

 private:
  ElementType element_of(ValueId value) const { return nodes_.graph().type_of(value).element; }
  const std::string& name_of(ValueId value) const { return nodes_.graph().values[value].name; }

  void visit(NodeId id) {
    const Node node = nodes_.graph().nodes[id];  // a copy: the rule adds nodes
    std::vector<bool> needs;
    for (const ValueId input : node.inputs) needs.push_back(paths_.depends[input] != 0);
    NodeGradient step(nodes_, id, total_of(node.result()), needs);
    find_gradient_rule(node.op->name)(step);
    for (const NodeGradient::Part& part : step.parts()) {
      const ValueId value = node.inputs[part.operand];
      const ValueId* tensor = std::get_if<ValueId>(&part.gradient);
      if (tensor != nullptr && nodes_.is_unnamed(*tensor)) {
        const std::string suffix = num_readers_[value] > 1 ? "." + node.name : "";
        nodes_.name(*tensor, "grad." + name_of(value) + suffix);
      }
      parts_[value].push_back(part.gradient);
    }
    for (const ValueId added : step.added()) {
      if (!nodes_.is_unnamed(added)) continue;
      const Node& other = nodes_.graph().nodes[*nodes_.graph().values[added].producer];
      nodes_.name(added, "grad." + node.name + "." + std::string(other.op->name));
    }
  }

  /// The sum of all that came from the readers of a value.
  Gradient total_of(ValueId value) {
    const std::vector<Gradient>& parts = parts_[value];
    CHECK(!parts.empty(), "no gradient reached " + name_of(value));
    double number = 0;
    std::vector<ValueId> tensors;
    for (const Gradient& part : parts) {
      if (const double* summand = std::get_if<double>(&part)) number += *summand;
      if (const ValueId* tensor = std::get_if<ValueId>(&part)) tensors.push_back(*tensor);
    }
    if (tensors.empty()) return number;
    const Origin origin = origin_of_sum(value, tensors);
    if (number != 0) tensors.push_back(nodes_.scalar(number, element_of(value), origin.where));
    ValueId total = tensors.front();
    for (size_t i = 1; i < tensors.size(); ++i) {
      const bool is_last = i + 1 == tensors.size();
      total = nodes_.add_named("grad." + name_of(value) + (is_last ? "" : ".sum"), "add",
                               {total, tensors[i]}, {}, origin);
    }
    return total;
  }

  Origin origin_of_sum(ValueId value, const std::vector<ValueId>& parts) const {
    const SourceRange& where = nodes_.graph().values[value].where;
    const Origin first = origin_beside(nodes_.graph(), parts.front(), where);
    const bool agree = std::all_of(parts.begin(), parts.end(), [&](ValueId part) {
      return origin_beside(nodes_.graph(), part, where).device == first.device;
    });
    return agree ? first : Origin{where, std::nullopt, {}};
  }

  ValueId tensor_of(ValueId parameter, const Gradient& gradient) {
    if (const ValueId* tensor = std::get_if<ValueId>(&gradient)) return *tensor;
    const Origin origin{nodes_.graph().values[parameter].where, std::nullopt, {}};
    const ValueId number =
        nodes_.scalar(std::get<double>(gradient), element_of(parameter), origin.where);
    const Shape shape = nodes_.graph().type_of(parameter).shape;
    if (shape.empty()) return number;
    Attributes attributes;
    attributes.set("shape", shape);
    return nodes_.add_named("grad." + name_of(parameter), "broadcast", {number},
                            std::move(attributes), origin);
  }

  DerivedNodes& nodes_;
  const TrainingPaths& paths_;
  size_t num_forward_;
  IdVector<ValueId, size_t>
      num_readers_;  // on the path; a node that reads a value twice counts twice
  IdVector<ValueId, std::vector<Gradient>> parts_;
};

}  // namespace

Origin origin_of(const DerivedNodes& nodes, const ParameterGradient& each) {
  const SourceRange& where = nodes.graph().values[each.parameter].where;
  return origin_beside(nodes.graph(), each.gradient, where);
}

std::vector<ParameterGradient> add_backward_pass(DerivedNodes& nodes, ValueId loss,
                                                 const TrainingPaths& paths) {
  return Backward(nodes, paths).run(loss);
}

}  // namespace graphc
