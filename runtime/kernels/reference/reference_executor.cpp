#include "runtime/kernels/reference/reference_executor.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "runtime/kernels/reference/initial_value.h"
#include "runtime/kernels/reference/reference_kernels.h"
#include "runtime/kernels/reference/rounding_noise.h"
#include "runtime/op/op_table.h"
#include "runtime/op/product_math.h"

namespace graphrt {
namespace {

bool is_state(const SourceValue& value) { return value.kind == SourceValueKind::kState; }

bool has_first_value(const SourceValue& value) {
  return is_state(value) || value.kind == SourceValueKind::kConstant;
}

/// What a device may round otherwise, as a share of the result: sums go on in another order.
constexpr double kRounding = 0x1p-22;

constexpr double kRoundingOf8Bits = 0x1p-8;
constexpr double kRoundingOf11Bits = 0x1p-11;

/// Of a node whose result is stored as `element`.
double rounding_of(const SourceNode& node, ElementType element) {
  const ProductMath math = product_math(node.attributes);
  if (math == ProductMath::kBf16 || element == ElementType::kBF16) return kRoundingOf8Bits;
  if (math == ProductMath::kTf32 || element == ElementType::kF16) return kRoundingOf11Bits;
  return kRounding;
}

/// Whether the node is a product whose sums are as f32 makes them: terms may cancel each other out,
/// and what is rounded is a share of them, not of what is left.
bool has_f32_sums(const SourceNode& node) {
  return find_op(node.op)->is_product() && product_math(node.attributes) == ProductMath::kF32 &&
         !node.attributes.flag("relu");
}

Tensor magnitudes_of(const Tensor& tensor) {
  Tensor result = tensor;
  with_float_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    for (T& x : result.as<T>()) x = narrowed<T>(std::fabs(static_cast<float>(x)));
  });
  return result;
}

/// The largest magnitude, for each element: of what is a difference of sums, little may be left.
Tensor largest_of_all(const Tensor& tensor) {
  float largest = 0;
  for (const float x : tensor.as<float>()) {
    if (std::isfinite(x)) largest = std::max(largest, std::fabs(x));
  }
  Tensor result = zeros(tensor.type);
  for (float& x : result.as<float>()) x = largest;
  return result;
}

/// The result, of f32, if no term were negative.
Tensor magnitudes_of_terms(const SourceNode& node, std::span<const Tensor* const> operands,
                           const Shape& shape) {
  std::vector<Tensor> magnitudes;
  std::vector<const Tensor*> pointers;
  for (const Tensor* operand : operands) magnitudes.push_back(magnitudes_of(*operand));
  for (const Tensor& each : magnitudes) pointers.push_back(&each);
  Attributes attributes = node.attributes;
  if (node.op == "matmul_sgd_update") {
    attributes.set("learning_rate", -std::fabs(attributes.number("learning_rate", 0)));
  }
  return evaluate_reference(node.op, pointers, attributes, {ElementType::kF32, shape});
}

/// Of a product of f32, as a share of its terms: the more, the larger are the sums that the last
/// terms are added to.
double rounding_of_sums(const SourceNode& node, const TensorType& a) {
  constexpr double kTermsWithoutMore = 4096;
  const size_t rows_from_end = node.attributes.flag("transpose_a") ? 2 : 1;
  const auto num_terms = static_cast<double>(a.shape[a.shape.size() - rows_from_end]);
  return kRounding * (1 + num_terms / kTermsWithoutMore);
}

tl::unexpected<Error> wrong_type(const SourceValue& value, const TensorType& found) {
  return input_error("'" + value.name + "' is " + to_string(value.type) + "; got " +
                     to_string(found));
}

}  // namespace

Result<ReferenceExecutor> ReferenceExecutor::create(SourceGraph graph) {
  ReferenceExecutor executor(std::move(graph));
  TRY(executor.check_graph());
  const auto& values = executor.graph_.values;
  executor.values_.resize(values.size());
  executor.states_.resize(values.size());
  for (const SourceValueId id : values.ids()) {
    if (!has_first_value(values[id])) continue;
    TRY(executor.values_[id], make_initial(values[id].initializer, values[id].type));
    if (is_state(values[id])) executor.states_[id] = executor.values_[id];
  }
  return executor;
}

Result<void> ReferenceExecutor::check_graph() const {
  for (const SourceValue& value : graph_.values) {
    if (!is_valid(value.type)) return input_error("'" + value.name + "' has no valid type");
  }
  std::vector<bool> is_computed(graph_.values.size(), false);
  for (const SourceValueId id : graph_.values.ids()) {
    is_computed[id.index()] = graph_.values[id].kind != SourceValueKind::kNode;
  }
  for (const SourceNode& node : graph_.nodes) {
    TRY(check_node(node));
    for (const SourceValueId input : node.inputs) {
      if (is_computed[input.index()]) continue;
      return input_error("'" + graph_.values[input].name + "' is read before it is computed");
    }
    for (const SourceValueId result : node.results) {
      if (is_computed[result.index()]) {
        return input_error("'" + graph_.values[result].name + "' is computed twice");
      }
      is_computed[result.index()] = true;
    }
  }
  return {};
}

Result<void> ReferenceExecutor::check_node(const SourceNode& node) const {
  std::vector<TensorType> results;
  for (const SourceValueId id : node.results) {
    if (!graph_.values.contains(id)) return input_error("a node has no result");
    results.push_back(graph_.values[id].type);
  }
  if (results.empty()) return input_error("a node has no result");
  const SourceValue& result = graph_.values[node.results[0]];
  const auto wrong = [&](const std::string& reason) {
    return input_error("node '" + result.name + "': " + reason);
  };
  const OpInfo* op = find_op(node.op);
  if (op == nullptr) return wrong("there is no operator '" + node.op + "'");
  std::vector<TensorType> types;
  for (const SourceValueId input : node.inputs) {
    if (!graph_.values.contains(input)) return wrong("an operand does not exist");
    types.push_back(graph_.values[input].type);
  }
  if (const auto fits = check_types(*op, types, results, node.attributes); !fits) {
    return wrong(fits.error().message);
  }
  const std::vector<SourceValueId> updated = node.updated_states();
  if (!node.more_updates.empty() && (!node.updates || updated.size() != results.size())) {
    return wrong("it updates states with some of its results");
  }
  for (size_t i = 0; i < updated.size(); ++i) {
    if (!graph_.values.contains(updated[i])) return wrong("it updates what does not exist");
    const SourceValue& state = graph_.values[updated[i]];
    if (!is_state(state)) return wrong("it updates '" + state.name + "', which is no state");
    if (state.type != results[i]) return wrong("it updates a state of another type");
  }
  return {};
}

Result<void> ReferenceExecutor::set_state(std::string_view name, Tensor value) {
  const std::optional<SourceValueId> id = find_id(name);
  if (!id || !is_state(graph_.values[*id])) {
    return input_error("there is no state '" + std::string(name) + "'");
  }
  if (value.type != graph_.values[*id].type) return wrong_type(graph_.values[*id], value.type);
  states_[*id] = std::move(value);
  return {};
}

Result<void> ReferenceExecutor::step(const std::map<std::string, Tensor>& inputs) {
  for (const auto& [name, tensor] : inputs) {
    const std::optional<SourceValueId> id = find_id(name);
    if (!id || graph_.values[*id].kind != SourceValueKind::kInput) {
      return input_error("there is no input '" + name + "'");
    }
    if (tensor.type != graph_.values[*id].type) return wrong_type(graph_.values[*id], tensor.type);
  }
  for (const SourceValueId id : graph_.values.ids()) {
    const SourceValue& value = graph_.values[id];
    if (is_state(value)) values_[id] = states_[id];
    if (value.kind != SourceValueKind::kInput) continue;
    const auto given = inputs.find(value.name);
    if (given == inputs.end()) return input_error("input '" + value.name + "' is missing");
    values_[id] = given->second;
  }
  for (const SourceNode& node : graph_.nodes) {
    std::vector<const Tensor*> operands;
    for (const SourceValueId input : node.inputs) operands.push_back(&values_[input]);
    std::vector<TensorType> types;
    for (const SourceValueId result : node.results) types.push_back(graph_.values[result].type);
    std::vector<Tensor> results = evaluate_reference(node.op, operands, node.attributes, types);
    for (size_t i = 0; i < results.size(); ++i) {
      if (noise_seed_) round_result(node, operands, i, results[i]);
      values_[node.results[i]] = std::move(results[i]);
    }
  }
  for (const SourceNode& node : graph_.nodes) {
    const std::vector<SourceValueId> updated = node.updated_states();
    for (size_t i = 0; i < updated.size(); ++i) states_[updated[i]] = values_[node.results[i]];
  }
  ++num_steps_;
  return {};
}

void ReferenceExecutor::round_result(const SourceNode& node,
                                     std::span<const Tensor* const> operands, size_t number,
                                     Tensor& result) const {
  const NoiseStream stream{*noise_seed_, num_steps_,
                           static_cast<uint32_t>(node.results[number].value())};
  if (find_op(node.op)->multiplies_tiles && result.type.element == ElementType::kF32) {
    return disturb_sums(result, largest_of_all(result), kRounding, stream);
  }
  if (!has_f32_sums(node)) {
    return disturb(result, rounding_of(node, result.type.element), stream);
  }
  const Tensor& a = *operands[*find_op(node.op)->product_at];
  disturb_sums(result, magnitudes_of_terms(node, operands, result.type.shape),
               rounding_of_sums(node, a.type), stream);
  if (result.type.element == ElementType::kF32) return;
  disturb(result, rounding_of(node, result.type.element), stream);
}

std::optional<SourceValueId> ReferenceExecutor::find_id(std::string_view name) const {
  const std::optional<size_t> position = by_name_.find(name);
  return position ? std::optional(SourceValueId(static_cast<int32_t>(*position))) : std::nullopt;
}

const Tensor* ReferenceExecutor::find_value(std::string_view name) const {
  const std::optional<SourceValueId> id = find_id(name);
  return id ? &values_[*id] : nullptr;
}

const Tensor* ReferenceExecutor::find_state(std::string_view name) const {
  const std::optional<SourceValueId> id = find_id(name);
  return id && is_state(graph_.values[*id]) ? &states_[*id] : nullptr;
}

}  // namespace graphrt
