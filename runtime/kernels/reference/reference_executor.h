#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/name_index.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/plan/source_graph.h"

namespace graphrt {

/// Runs a graph as the user wrote it, one operator after the other: what every plan's results are
/// checked against.
class ReferenceExecutor {
 public:
  /// States and constants get their first values.
  /// Errors: an operator, operand or initializer that does not fit (of a damaged plan).
  static Result<ReferenceExecutor> create(SourceGraph graph);

  /// Replaces the current value of a state.
  /// Errors: no such state, another type.
  Result<void> set_state(std::string_view name, Tensor value);

  /// From now on every float that a node computes is disturbed by what a device may round
  /// otherwise: a few units in the last place, or what `math` leaves out of a product's operands.
  /// Runs with several seeds show what rounding decides.
  void round_otherwise(uint32_t seed) { noise_seed_ = seed; }

  /// One step: computes every node from the given inputs and the states' current values, then
  /// replaces the states that have an update.
  /// Errors: an input that is missing, unknown, or of another type.
  Result<void> step(const std::map<std::string, Tensor>& inputs);

  /// What a value was in the last step; of a state, what the step read. Empty data before the first
  /// step, except for states and constants.
  const Tensor& value(SourceValueId id) const { return values_[id]; }
  /// The same by name; nullptr if there is no such value.
  const Tensor* find_value(std::string_view name) const;

  /// The current value of a state: after the last step's update. nullptr if there is no such state.
  const Tensor* find_state(std::string_view name) const;

  const SourceGraph& graph() const { return graph_; }

 private:
  explicit ReferenceExecutor(SourceGraph graph)
      : graph_(std::move(graph)), by_name_(graph_.values) {}
  std::optional<SourceValueId> find_id(std::string_view name) const;
  Result<void> check_graph() const;
  Result<void> check_node(const SourceNode& node) const;
  /// Of result `number`.
  void round_result(const SourceNode& node, std::span<const Tensor* const> operands, size_t number,
                    Tensor& result) const;

  SourceGraph graph_;
  NameIndex by_name_;
  IdVector<SourceValueId, Tensor> values_;
  IdVector<SourceValueId, Tensor> states_;  // current values; empty for what is no state
  std::optional<uint32_t> noise_seed_;
  uint32_t num_steps_ = 0;
};

}  // namespace graphrt
