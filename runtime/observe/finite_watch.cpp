#include "runtime/observe/finite_watch.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/base/text.h"
#include "runtime/kernels/reference/reference_executor.h"
#include "runtime/observe/reference_inputs.h"

namespace graphrt {
namespace {

std::string describe(const SourceGraph& graph, const SourceNode& node) {
  std::vector<std::string> operands;
  for (const SourceValueId input : node.inputs) operands.push_back(graph.values[input].name);
  return "node '" + graph.values[node.results[0]].name + "' (" + node.op + " of " +
         join(operands, ", ") + ")";
}

std::string_view word_for(SourceValueKind kind) {
  if (kind == SourceValueKind::kInput) return "input";
  return kind == SourceValueKind::kState ? "state" : "constant";
}

/// The first node whose value is not finite although all it reads is; without one, the first value
/// that came in so.
std::optional<std::string> find_source(const ReferenceExecutor& reference) {
  const SourceGraph& graph = reference.graph();
  const auto is_fine = [&](SourceValueId id) { return is_finite(reference.value(id)); };
  for (const SourceNode& node : graph.nodes) {
    const bool reads_numbers = std::all_of(node.inputs.begin(), node.inputs.end(), is_fine);
    const bool gives_numbers = std::all_of(node.results.begin(), node.results.end(), is_fine);
    if (reads_numbers && !gives_numbers) return describe(graph, node);
  }
  for (const SourceValueId id : graph.values.ids()) {
    const SourceValue& value = graph.values[id];
    if (value.kind == SourceValueKind::kNode || is_fine(id)) continue;
    return std::string(word_for(value.kind)) + " '" + value.name + "'";
  }
  return std::nullopt;
}

Result<std::map<std::string, Tensor>> states_of(const Session& session) {
  std::map<std::string, Tensor> states;
  for (const PlanState& state : session.plan().states) {
    TRY(states[state.name], session.state(state.name));
  }
  return states;
}

}  // namespace

bool is_finite(const Tensor& tensor) {
  if (!is_float(tensor.type.element)) return true;
  return with_float_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    const std::span<const T> elements = tensor.as<T>();
    return std::all_of(elements.begin(), elements.end(),
                       [](T x) { return std::isfinite(static_cast<float>(x)); });
  });
}

Result<FiniteWatch> FiniteWatch::begin(const Session& session, std::vector<std::string> outputs) {
  return without_exceptions([&]() -> Result<FiniteWatch> {
    FiniteWatch watch;
    watch.outputs_ = std::move(outputs);
    TRY(const States states, states_of(session));
    for (const auto& [name, value] : states) {
      if (is_finite(value)) watch.states_.push_back(name);
    }
    return watch;
  });
}

Result<std::string> find_non_finite_source(const Session& session) {
  TRY(const auto states, states_of(session));
  TRY(ReferenceExecutor reference, ReferenceExecutor::create(session.plan().source));
  for (const auto& [name, value] : states) TRY(reference.set_state(name, value));
  TRY(reference.step(reference_inputs(session, session.next_step())));
  return find_source(reference).value_or(
      "rounding: the reference executor, which adds in double, gives finite numbers");
}

Result<void> FiniteWatch::put_back(Session& session, int64_t step, const States& states) {
  TRY(session.start_at(step));
  for (const auto& [name, value] : states) TRY(session.set_state(name, value));
  return {};
}

Result<void> FiniteWatch::before_piece(const Session& session) {
  return without_exceptions([&]() -> Result<void> {
    first_step_ = session.next_step();
    TRY(before_, states_of(session));
    return {};
  });
}

Result<std::optional<std::string>> FiniteWatch::find_seen(const Session& session,
                                                          StepRange steps) const {
  for (const std::string& name : outputs_) {
    TRY(const Tensor values, session.stacked(name, steps));
    if (!is_finite(values)) return "output '" + name + "'";
  }
  for (const std::string& name : states_) {
    TRY(const Tensor value, session.state(name));
    if (!is_finite(value)) return "state '" + name + "'";
  }
  return std::nullopt;
}

Result<std::optional<NonFinite>> FiniteWatch::after_piece(Session& session,
                                                          const RunOptions& options) const {
  return without_exceptions([&]() -> Result<std::optional<NonFinite>> {
    const int64_t end_step = session.next_step();
    TRY(const auto seen_in_piece, find_seen(session, {first_step_, end_step - first_step_}));
    if (!seen_in_piece) return std::nullopt;
    TRY(put_back(session, first_step_, before_));
    for (int64_t step = first_step_; step < end_step; ++step) {
      TRY(const States states, states_of(session));
      TRY(session.run(1, options));
      TRY(const auto seen, find_seen(session, {step, 1}));
      if (!seen) continue;
      TRY(put_back(session, step, states));
      TRY(std::string source, find_non_finite_source(session));
      return NonFinite{step, *seen, std::move(source)};
    }
    return machine_error(*seen_in_piece + " was not finite in one of the steps " +
                         std::to_string(first_step_) + " to " + std::to_string(end_step - 1) +
                         ", and is when they are run again");
  });
}

}  // namespace graphrt
