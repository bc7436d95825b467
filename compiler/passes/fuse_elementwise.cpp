#include "compiler/passes/fuse_elementwise.h"

#include <algorithm>
#include <utility>

#include "compiler/passes/fusion.h"
#include "runtime/op/chain.h"
#include "runtime/plan/plan.h"

namespace graphc {
namespace {

/// A chain with the values that it reads.
struct BoundChain {
  Chain chain;
  std::vector<ValueId> inputs;
};

/// What a node computes, if that is a chain.
std::optional<Chain> chain_of(const Node& node) {
  if (node.op->name == "elementwise") {
    return parse_chain(node.attributes.text("formula", "")).value();
  }
  const std::optional<ElementFunction> function = find_element_function(node.op->name);
  if (!function) return std::nullopt;
  ChainStep step{.function = *function, .input = {}};
  if (takes_pair(*function)) step.input = 1;
  step.factor = node.attributes.number("factor", 1);
  return Chain{0, {step}};
}

/// Changes a chain, whose first step then starts from `input`.
/// Errors: `input` is not an operand of the first step, or used elsewhere, too.
bool start_from(Chain& chain, size_t input) {
  const std::vector<size_t> used = inputs_of(chain);
  if (std::count(used.begin(), used.end(), input) != 1) return false;
  ChainStep& first = chain.steps.front();
  if (first.input == input) {
    std::swap(*first.input, chain.start);
    first.running_is_second = !first.running_is_second;
  }
  return chain.start == input;
}

/// The number of a value among the inputs; a new one comes last.
size_t number_of(ValueId value, std::vector<ValueId>& inputs) {
  const auto at = std::find(inputs.begin(), inputs.end(), value);
  const auto number = static_cast<size_t>(at - inputs.begin());
  if (at == inputs.end()) inputs.push_back(value);
  return number;
}

/// Adds what `chain` reads and does; its start is added as an input where there is none yet.
void append(BoundChain& joined, const Chain& chain, const std::vector<ValueId>& inputs) {
  if (joined.chain.steps.empty()) {
    joined.chain.start = number_of(inputs[chain.start], joined.inputs);
  }
  for (ChainStep step : chain.steps) {
    if (step.input) step.input = number_of(inputs[*step.input], joined.inputs);
    joined.chain.steps.push_back(step);
  }
}

bool fits(const BoundChain& joined) {
  return joined.inputs.size() <= kMaxChainInputs && joined.chain.steps.size() <= kMaxChainSteps;
}

/// What `second` computes if it starts with what `first`, its operand number `operand`, computes.
std::optional<Fusion::Formula> joined_formula(const Graph& graph, const Node& first,
                                              const Node& second, size_t operand) {
  const std::optional<Chain> before = chain_of(first);
  std::optional<Chain> after = chain_of(second);
  if (!before || !after || !start_from(*after, operand)) return std::nullopt;
  BoundChain joined;
  append(joined, *before, first.inputs);
  append(joined, *after, second.inputs);
  if (!fits(joined)) return std::nullopt;
  Fusion::Formula formula{find_op("elementwise"), {}, std::move(joined.inputs)};
  formula.attributes.set("formula", to_string(joined.chain));
  std::vector<TensorType> types;
  for (const ValueId input : formula.inputs) types.push_back(graph.type_of(input));
  const auto type = infer_type(*formula.op, types, formula.attributes);
  if (!type || *type != graph.type_of(second.result())) return std::nullopt;
  return formula;
}

/// Operands of the size of the result that something else than the batch or a constant gives; none
/// where the smallest buffer that there is holds it.
std::vector<ValueId> large_operands(const Graph& graph, const Node& node) {
  std::vector<ValueId> operands;
  for (const ValueId input : node.inputs) {
    const Value& value = graph.values[input];
    const TensorType& type = graph.type_of(input);
    const bool is_large =
        type == graph.type_of(node.result()) && type.size_bytes() > kBufferAlignmentBytes;
    const bool is_computed = value.producer || value.kind == ValueKind::kState;
    const bool is_new = std::find(operands.begin(), operands.end(), input) == operands.end();
    if (is_large && is_computed && is_new) operands.push_back(input);
  }
  return operands;
}

/// Whether joining could cost memory: where `first` reads several tensors of the size of its
/// result, all of them would have to stay until the last operand of `second` is there.
bool would_hold_more(const Graph& graph, NodeId first, NodeId second, ValueId between) {
  if (large_operands(graph, graph.nodes[first]).size() < 2) return false;
  const std::vector<ValueId> operands = large_operands(graph, graph.nodes[second]);
  return std::any_of(operands.begin(), operands.end(), [&](ValueId operand) {
    return operand != between && !comes_before(graph, operand, first);
  });
}

void fuse_into(Fusion& fusion, NodeId reader) {
  const Graph& graph = fusion.graph();
  for (size_t operand = 0; operand < graph.nodes[reader].inputs.size(); ++operand) {
    const ValueId between = graph.nodes[reader].inputs[operand];
    const auto first = fusion.find_joinable(reader, between);
    if (!first || would_hold_more(graph, *first, reader, between)) continue;
    auto formula = joined_formula(graph, graph.nodes[*first], graph.nodes[reader], operand);
    if (formula) return fusion.join(reader, *first, *std::move(formula));
  }
}

}  // namespace

Result<Graph> fuse_elementwise(Graph graph, DiagnosticSink&) {
  Fusion fusion(std::move(graph));
  // Producers come first, and each has taken up what it can: its reader then takes all of it.
  for (const NodeId id : fusion.graph().nodes.ids()) fuse_into(fusion, id);
  return std::move(fusion).finish();
}

}  // namespace graphc
