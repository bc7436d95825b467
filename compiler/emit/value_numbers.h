#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/graph/graph.h"

namespace graphc {

using ValueNumber = Id<struct ValueNumberTag>;

/// Numbers the values of a graph: two have the same number if the same operator with the same
/// attributes makes them from operands of the same numbers, or if they are constants of the same
/// type and content. Inputs and states have numbers of their own.
///
/// Equal numbers mean equal values in every step, whatever they are called.
/// Source: value numbering; Muchnick, Advanced Compiler Design and Implementation, section 12.4.
class ValueNumbers {
 public:
  explicit ValueNumbers(const Graph& graph);

  size_t size() const { return first_value_.size(); }
  ValueNumber of(ValueId value) const { return number_[value]; }
  /// The first value of that number.
  ValueId value_of(ValueNumber number) const { return first_value_[number]; }

  /// The number that the first results of nodes which compute this have, if the graph has one; those
  /// of their other results follow.
  std::optional<ValueNumber> find(std::string_view op, const std::vector<ValueNumber>& operands,
                                  const Attributes& attributes) const;
  /// The number of constants with this content, if the graph has one.
  std::optional<ValueNumber> find_constant(const TensorType& type, const SharedBytes& data) const;

 private:
  struct Computation {
    std::string_view op;
    std::vector<ValueNumber> operands;
    Attributes attributes;
  };
  struct IsBefore {
    bool operator()(const Computation& a, const Computation& b) const;
  };
  using Content = std::pair<std::string, SharedBytes>;  // type as text, data

  void add(ValueId value, ValueNumber number);
  ValueNumber next() const { return ValueNumber(first_value_.size()); }

  IdVector<ValueId, ValueNumber> number_;
  IdVector<ValueNumber, ValueId> first_value_;
  std::map<Computation, ValueNumber, IsBefore> computations_;
  std::map<Content, ValueNumber> constants_;
};

}  // namespace graphc
