#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/ids.h"
#include "compiler/vocabulary.h"
#include "runtime/op/op_table.h"
#include "runtime/plan/source_graph.h"

namespace graphc {

enum class ValueKind { kInput, kState, kConstant, kNode };

/// Something that operators read: defined once (SSA).
struct Value {
  ValueKind kind = ValueKind::kNode;
  std::string name;
  TensorType type;
  std::optional<NodeId> producer;        ///< kNode
  std::optional<std::string> feed_path;  ///< kInput: the file, relative to the current directory
  Initializer initializer;               ///< kState, kConstant
  std::optional<std::string> device;     ///< kState: where the user wants it to live
  SourceRange device_where;              ///< place of `device`
  SourceRange where;
};

/// One operator. Its first result has its name, each other one that name, a dot, and its name in the
/// operator's definition.
struct Node {
  std::string name;
  const OpInfo* op = nullptr;
  Attributes attributes;
  std::vector<ValueId> inputs;
  std::vector<ValueId> results;    ///< as many as the operator has
  std::optional<ValueId> updates;  ///< the state whose next value the first result is
  /// With it, perhaps: those of the other results, one each. Empty: they replace none.
  std::vector<ValueId> more_updates = {};
  std::optional<std::string> device;  ///< pinned by the user
  std::vector<std::string> also_on;   ///< further devices, of its kind, that compute it too
  SourceRange device_where;           ///< place of `device`
  bool keep = false;                  ///< neither merged, joined nor removed
  /// What its results are to be stored as, whatever `train` says; lower_precision answers it.
  std::optional<ElementType> precision = std::nullopt;
  SourceRange where;
  std::vector<SourceRange> input_places;  ///< one an input, empty when made by a pass
  /// Where the values of attributes stand, by name; of those alone that are written in the graph.
  std::vector<std::pair<std::string, SourceRange>> attribute_places = {};

  /// The first one.
  ValueId result() const { return results.front(); }
  /// The states whose next values the first results are, in the order of those.
  std::vector<ValueId> updated_states() const;
};

/// The name of result `number` of a node.
std::string result_name(const OpInfo& op, const std::string& node, size_t number);

/// A result of the whole graph, delivered to the host or, with a device, left there.
struct GraphOutput {
  ValueId value;
  std::optional<std::string> device;
  SourceRange where;
  SourceRange device_where;  ///< place of `device`
};

/// Level 1: operators and values, static types, state carried from step to step.
///
/// Nodes are in a topological order within a step: a node stands after the producers of what it
/// reads. A read of a state is a read of its value from before the step, so it orders nothing.
/// verify_graph checks all of this.
struct Graph {
  std::string name;
  IdVector<ValueId, Value> values;
  IdVector<NodeId, Node> nodes;
  std::vector<GraphOutput> outputs;

  const TensorType& type_of(ValueId value) const { return values[value].type; }
  /// Of its operands, in their order.
  std::vector<TensorType> input_types(NodeId node) const;
  std::vector<TensorType> result_types(NodeId node) const;
  /// Of every state, the value that replaces it at the end of a step, if any.
  IdVector<ValueId, std::optional<ValueId>> next_values() const;
};

/// What graph- and pass-level verifiers answer: nothing, or one sentence that names the offender.
using Violation = std::optional<std::string>;

/// Checks SSA, topological order, arity and attributes, at most one update per state with the
/// state's type, unique names, and that types are those that the operators give.
Violation verify_graph(const Graph& graph);

/// The graph as the runtime's reference executor wants it.
SourceGraph to_source_graph(const Graph& graph);

}  // namespace graphc
