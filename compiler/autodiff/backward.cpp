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

  std::vector<ParameterGradient> run(ValueId loss, const Gradient& by_itself) {
    parts_[loss].push_back(by_itself);
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
    std::vector<std::optional<ElementType>> needs;
    for (const ValueId input : node.inputs) {
      needs.push_back(paths_.depends[input] != 0 ? std::optional(element_of(exact_of(input)))
                                                 : std::nullopt);
    }
    NodeGradient step(nodes_, id, total_of(node.result()), needs);
    find_gradient_rule(node.op->name)(step);
    for (const NodeGradient::Part& part : step.parts()) {
      const ValueId value = node.inputs[part.operand];
      const ValueId* tensor = std::get_if<ValueId>(&part.gradient);
      if (tensor != nullptr && nodes_.is_unnamed(*tensor)) {
        const ValueId exact = exact_of(value);
        const bool is_part = num_readers_[value] > 1 || num_readers_[exact] > 1;
        nodes_.name(*tensor, "grad." + name_of(exact) + (is_part ? "." + node.name : ""));
      }
      parts_[value].push_back(part.gradient);
    }
    for (const ValueId added : step.added()) {
      if (!nodes_.is_unnamed(added)) continue;
      const Node& other = nodes_.graph().nodes[*nodes_.graph().values[added].producer];
      nodes_.name(added, "grad." + node.name + "." + std::string(other.op->name));
    }
  }

  /// What the value is a coarser copy of, as the one that products read of a weight in 16 bits; else
  /// the value itself. Gradients are as exact: they are for that, and are added up on the way there.
  ValueId exact_of(ValueId value) const {
    const std::optional<NodeId>& producer = nodes_.graph().values[value].producer;
    if (!producer || nodes_.graph().nodes[*producer].op->name != "cast") return value;
    const ValueId before = nodes_.graph().nodes[*producer].inputs[0];
    const bool is_coarser = graphrt::is_float(element_of(before)) &&
                            size_bytes(element_of(value)) < size_bytes(element_of(before));
    return is_coarser && paths_.depends[before] != 0 ? before : value;
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
    if (number != 0)
      tensors.push_back(nodes_.scalar(number, element_of(tensors.front()), origin.where));
    ValueId total = tensors.front();
    for (size_t i = 1; i < tensors.size(); ++i) {
      const bool is_last = i + 1 == tensors.size();
      total = nodes_.add_named(name_of_sum(value) + (is_last ? "" : ".sum"), "add",
                               {total, tensors[i]}, {}, origin);
    }
    return total;
  }

  std::string name_of_sum(ValueId value) const {
    const ValueId exact = exact_of(value);
    const bool is_part = exact != value && num_readers_[exact] > 1;
    return "grad." + name_of(exact) + (is_part ? "." + name_of(value) : "");
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
                                                 const Gradient& by_itself,
                                                 const TrainingPaths& paths) {
  return Backward(nodes, paths).run(loss, by_itself);
}

}  // namespace graphc
