#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/unique_names.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// What a derived node is derived from: where messages about it point, and where it runs.
struct Origin {
  SourceRange where;
  std::optional<std::string> device;
  SourceRange device_where;
};

/// A graph that grows: nodes, states and constants are added behind those that are there, typed and
/// with names that nothing else has.
class DerivedNodes {
 public:
  explicit DerivedNodes(Graph graph);

  const Graph& graph() const { return graph_; }

  /// A node without a name yet. Requires: the operator takes these operands and attributes.
  ValueId add(std::string_view op, std::vector<ValueId> inputs, Attributes attributes,
              const Origin& origin);
  /// Whether `value` was added and has no name yet.
  bool is_unnamed(ValueId value) const { return graph_.values[value].name.empty(); }
  /// Names a node by one of its results, which have no names: `wanted`, or with a number behind it
  /// if that is taken.
  void name(ValueId value, const std::string& wanted);

  ValueId add_named(const std::string& wanted, std::string_view op, std::vector<ValueId> inputs,
                    Attributes attributes, const Origin& origin);
  /// A state; without an initializer it starts at zero.
  ValueId add_state(const std::string& wanted, TensorType type, const SourceRange& where,
                    Initializer initializer = {});
  /// A constant without dimensions, of a type of floats; the same for the same number.
  ValueId scalar(double number, ElementType element, const SourceRange& where);
  /// A constant without dimensions, of i32 or i64. Requires: the type holds it.
  ValueId add_integer(const std::string& wanted, int64_t number, ElementType element,
                      const SourceRange& where);
  /// Has the operator that gives `value`, which lets one choose, store it with these elements.
  void store_as(ValueId value, ElementType element);
  /// Makes `value`, the result of a node, the next value of `state`.
  void update(ValueId state, ValueId value);

  /// The graph with all that was added. Requires: everything has a name.
  Graph finish() &&;

 private:
  ValueId add_constant(const std::string& wanted, TensorType type, std::vector<std::byte> data,
                       const SourceRange& where);

  Graph graph_;
  UniqueNames names_;
  std::map<std::pair<ElementType, uint32_t>, ValueId> scalars_;  ///< by their bits as f32
};

}  // namespace graphc
