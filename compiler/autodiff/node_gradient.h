#pragma once

#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "compiler/autodiff/derived_nodes.h"
#include "compiler/graph/graph.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// How the loss changes with each element of a value: a tensor of the value's type, or one number
/// for all elements, which costs no node.
using Gradient = std::variant<double, ValueId>;

/// The step of differentiation at one node: from the gradient of its result to those of its
/// operands. Gradient rules are written against it.
class NodeGradient {
 public:
  /// What came out for one operand.
  struct Part {
    size_t operand;
    Gradient gradient;
  };

  /// `needs` says for every operand as what its gradient is to be stored, if it is asked for: as the
  /// operand is, or with more bits.
  NodeGradient(DerivedNodes& nodes, NodeId node, Gradient gradient,
               std::vector<std::optional<ElementType>> needs);

  /// What the node computes.
  const OpInfo& op() const { return *node_.op; }
  const Attributes& attributes() const { return node_.attributes; }
  size_t num_operands() const { return node_.inputs.size(); }
  ValueId operand(size_t index) const { return node_.inputs[index]; }
  /// Number `index` of its results.
  ValueId result(size_t index = 0) const { return node_.results[index]; }
  TensorType type(ValueId value) const { return nodes_.graph().type_of(value); }
  TensorType operand_type(size_t index) const { return type(operand(index)); }
  TensorType result_type() const { return type(result()); }

  /// Of the loss by the node's result.
  const Gradient& gradient() const { return gradient_; }
  /// The same as a tensor.
  ValueId gradient_tensor();

  /// Whether the gradient of operand `index` is asked for.
  bool needs(size_t index) const { return needs_[index].has_value(); }
  /// Answers it, with any type of elements. At most once an operand that is asked for.
  void give(size_t index, Gradient gradient);

  /// A new node, at the place and on the device of the one that is differentiated.
  ValueId add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {});
  /// All results of the node that gives `value`.
  std::vector<ValueId> results_of(ValueId value) const;
  /// A constant of the result's element type, without dimensions.
  ValueId scalar(double number);
  /// One of i32 or i64. Requires: the type holds it.
  ValueId integer(int64_t number, ElementType element);

  /// `value` as elements of that type; the same value if it has them.
  ValueId cast_to(ElementType element, ValueId value);
  Gradient scaled(Gradient gradient, double factor);
  /// `gradient` times `value`, and divided by it, element by element with broadcasting. A number
  /// stands for a gradient of the result's type.
  Gradient product(const Gradient& gradient, ValueId value);
  ValueId quotient(const Gradient& gradient, ValueId value);
  /// `gradient` as a tensor; a number as one of the result's type.
  ValueId tensor_of(const Gradient& gradient);
  /// What broadcasting an operand of type `type` to the type of `gradient` does backwards: sums
  /// over the repetitions. A number stands for a gradient of the result's type.
  Gradient reduced_to(const TensorType& type, Gradient gradient);
  /// The same elements in another shape; the same value if it has that shape.
  ValueId reshaped(ValueId value, const Shape& shape);
  /// `value` repeated to `shape`; the same value if it has that shape.
  ValueId broadcast_to(const Shape& shape, ValueId value);

  const std::vector<Part>& parts() const { return parts_; }
  /// All nodes that were added, in order.
  const std::vector<ValueId>& added() const { return added_; }
  const Origin& origin() const { return origin_; }

 private:
  /// Whether the node that gives the value can as well give it with more bits: it is new, and
  /// nothing has read it.
  bool may_store_otherwise(ValueId value) const;

  DerivedNodes& nodes_;
  Node node_;  // a copy: adding nodes moves the originals
  Gradient gradient_;
  std::vector<std::optional<ElementType>> needs_;
  Origin origin_;
  std::vector<Part> parts_;
  std::vector<ValueId> added_;
};

}  // namespace graphc
