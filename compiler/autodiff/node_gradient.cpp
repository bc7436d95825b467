#include "compiler/autodiff/node_gradient.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/base/f32_range.h"

namespace graphc {
namespace {

Attributes with_list(const char* name, std::vector<int64_t> list) {
  Attributes attributes;
  attributes.set(name, std::move(list));
  return attributes;
}

}  // namespace

NodeGradient::NodeGradient(DerivedNodes& nodes, NodeId node, Gradient gradient,
                           std::vector<std::optional<ElementType>> needs)
    : nodes_(nodes),
      node_(nodes.graph().nodes[node]),
      gradient_(gradient),
      needs_(std::move(needs)),
      origin_{node_.where, node_.device, node_.device_where} {}

ValueId NodeGradient::gradient_tensor() {
  gradient_ = tensor_of(gradient_);
  return std::get<ValueId>(gradient_);
}

void NodeGradient::give(size_t index, Gradient gradient) {
  const ElementType wanted = needs_[index].value_or(operand_type(index).element);
  if (const ValueId* tensor = std::get_if<ValueId>(&gradient)) {
    // A sum that is exact is not to be rounded before it is what is wanted: f16 might not hold it.
    const bool is_coarser = size_bytes(type(*tensor).element) < size_bytes(wanted);
    if (is_coarser && may_store_otherwise(*tensor)) nodes_.store_as(*tensor, wanted);
    gradient = cast_to(wanted, *tensor);
  }
  parts_.push_back({index, gradient});
}

bool NodeGradient::may_store_otherwise(ValueId value) const {
  if (std::find(added_.begin(), added_.end(), value) == added_.end()) return false;
  const Node& node = nodes_.graph().nodes[*nodes_.graph().values[value].producer];
  if (node.op->name == "cast" || node.results.size() > 1) return false;
  if (find_attribute(*node.op, "to") == nullptr) return false;
  const bool is_given = std::any_of(parts_.begin(), parts_.end(), [&](const Part& part) {
    return part.gradient == Gradient(value);
  });
  const bool is_read = std::any_of(added_.begin(), added_.end(), [&](ValueId other) {
    const Node& reader = nodes_.graph().nodes[*nodes_.graph().values[other].producer];
    return std::find(reader.inputs.begin(), reader.inputs.end(), value) != reader.inputs.end();
  });
  return !is_given && !is_read;
}

ValueId NodeGradient::cast_to(ElementType element, ValueId value) {
  if (type(value).element == element) return value;
  Attributes attributes;
  attributes.set("to", std::string(to_string(element)));
  return add("cast", {value}, std::move(attributes));
}

ValueId NodeGradient::add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) {
  added_.push_back(nodes_.add(op, std::move(inputs), std::move(attributes), origin_));
  return added_.back();
}

std::vector<ValueId> NodeGradient::results_of(ValueId value) const {
  return nodes_.graph().nodes[*nodes_.graph().values[value].producer].results;
}

ValueId NodeGradient::scalar(double number) {
  return nodes_.scalar(number, result_type().element, origin_.where);
}

ValueId NodeGradient::integer(int64_t number, ElementType element) {
  return nodes_.add_integer("train.number", number, element, origin_.where);
}

Gradient NodeGradient::scaled(Gradient gradient, double factor) {
  if (factor == 1) return gradient;
  if (const double* number = std::get_if<double>(&gradient)) return *number * factor;
  const auto tensor = std::get<ValueId>(gradient);
  // What f32 rounds to an infinity or to 0 is no attribute, but a constant.
  if (find_misfit_of_f32(factor))
    return add("mul", {tensor, nodes_.scalar(factor, type(tensor).element, origin_.where)});
  Attributes attributes;
  attributes.set("factor", factor);
  return add("scale", {tensor}, std::move(attributes));
}

Gradient NodeGradient::product(const Gradient& gradient, ValueId value) {
  const double* number = std::get_if<double>(&gradient);
  if (number != nullptr && type(value) == result_type()) return scaled(value, *number);
  return add("mul", {tensor_of(gradient), value});
}

ValueId NodeGradient::quotient(const Gradient& gradient, ValueId value) {
  const double* number = std::get_if<double>(&gradient);
  const bool is_whole = number != nullptr && type(value) == result_type();
  return add("div", {is_whole ? scalar(*number) : tensor_of(gradient), value});
}

Gradient NodeGradient::reduced_to(const TensorType& wanted, Gradient gradient) {
  if (const double* number = std::get_if<double>(&gradient)) {
    const auto num_repetitions = result_type().num_elements() / wanted.num_elements();
    return *number * static_cast<double>(num_repetitions);
  }
  const auto tensor = std::get<ValueId>(gradient);
  const Shape from = type(tensor).shape;
  if (from == wanted.shape) return gradient;
  const size_t num_new = from.size() - wanted.shape.size();
  std::vector<int64_t> axes;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    const bool is_repeated = axis < num_new || wanted.shape[axis - num_new] != from[axis];
    if (is_repeated) axes.push_back(static_cast<int64_t>(axis));
  }
  // Dimensions of size 1 alone may be new: then there is nothing to sum.
  if (type(tensor).num_elements() == wanted.num_elements()) return reshaped(tensor, wanted.shape);
  Attributes attributes = with_list("axes", axes);
  if (num_new == 0) attributes.set("keepdims", true);
  return reshaped(add("sum", {tensor}, std::move(attributes)), wanted.shape);
}

ValueId NodeGradient::reshaped(ValueId value, const Shape& shape) {
  if (type(value).shape == shape) return value;
  return add("reshape", {value}, with_list("shape", shape));
}

ValueId NodeGradient::broadcast_to(const Shape& shape, ValueId value) {
  if (type(value).shape == shape) return value;
  return add("broadcast", {value}, with_list("shape", shape));
}

ValueId NodeGradient::tensor_of(const Gradient& gradient) {
  if (const ValueId* tensor = std::get_if<ValueId>(&gradient)) return *tensor;
  return broadcast_to(result_type().shape, scalar(std::get<double>(gradient)));
}

}  // namespace graphc
