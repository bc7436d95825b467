#include "runtime/op/op_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"
#include "runtime/op/composite.h"
#include "runtime/op/defs/defs.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

/// Made once, before the first look.
std::vector<OpInfo> make_table() {
  std::vector<OpInfo> ops = all_composites();
#define GRAPHC_OPERATOR(name) ops.push_back(op_##name());
#include "runtime/op/operators.def"
  std::sort(ops.begin(), ops.end(),
            [](const OpInfo& a, const OpInfo& b) { return a.name < b.name; });
  return ops;
}

const std::vector<OpInfo>& table() {
  static const std::vector<OpInfo> ops = make_table();
  return ops;
}

/// Whether it is a or b of the product that `op` is: those are read while the result is written.
bool is_multiplied(const OpInfo& op, size_t operand) {
  return op.is_product() && operand >= *op.product_at && operand < *op.product_at + 2;
}

std::string count_of_inputs(size_t count) {
  return std::to_string(count) + (count == 1 ? " input" : " inputs");
}

std::optional<std::string> find_bad_arity(const OpInfo& op, size_t num_inputs) {
  if (num_inputs >= op.min_inputs && num_inputs <= op.max_inputs) return std::nullopt;
  return "takes " + inputs_taken_by(op) + "; got " + std::to_string(num_inputs);
}

std::string unknown_attribute(const OpInfo& op, const std::string& name) {
  std::vector<std::string> candidates;
  for (const AttributeSpec& spec : op.attributes) candidates.emplace_back(spec.name);
  const std::optional<std::string> nearest = nearest_name(name, candidates);
  return "has no attribute '" + name + "'" + (nearest ? "; did you mean '" + *nearest + "'?" : "");
}

bool fits(const AttributeValue& value, AttributeKind kind) {
  const AttributeKind actual = kind_of(value);
  return actual == kind || (kind == AttributeKind::kFloat && actual == AttributeKind::kInt);
}

/// What is wrong with the attribute that `spec` is of.
std::optional<std::string> find_bad_value(const AttributeSpec& spec, const AttributeValue& value) {
  const std::string as_name = " as '" + std::string(spec.name) + "'; ";
  if (!fits(value, spec.kind)) {
    return "needs " + std::string(to_string(spec.kind)) + as_name + "got " + to_string(value);
  }
  const double* number = std::get_if<double>(&value);
  if (number == nullptr) return std::nullopt;
  const std::string shown = format_number(*number);
  if (!std::isfinite(*number)) return "needs a finite number" + as_name + "got " + shown;
  const std::optional<std::string_view> misfit = find_misfit_of_f32(*number);
  if (!misfit) return std::nullopt;
  return "needs an f32 number" + as_name + shown + " is " + std::string(*misfit);
}

std::optional<OpError> find_bad_attribute(const OpInfo& op, const Attributes& attributes) {
  for (const Attribute& attribute : attributes) {
    const AttributeSpec* spec = find_attribute(op, attribute.name);
    if (spec == nullptr) return OpError{unknown_attribute(op, attribute.name), {}};
    if (auto reason = find_bad_value(*spec, attribute.value)) {
      return OpError{*std::move(reason), {}, spec->name};
    }
  }
  for (const AttributeSpec& spec : op.attributes) {
    if (!spec.is_required || attributes.find(spec.name) != nullptr) continue;
    return OpError{"needs the attribute '" + std::string(spec.name) + "', " +
                       std::string(to_string(spec.kind)),
                   {}};
  }
  return std::nullopt;
}

tl::unexpected<OpError> error_of(const OpInfo& op, OpError error) {
  error.message = std::string(op.name) + " " + error.message;
  return tl::unexpected(std::move(error));
}

/// Adds the cast of the operand to blame that would do, if one does and the rule names none.
OpError with_cast(const OpInfo& op, std::span<const TensorType> inputs,
                  const Attributes& attributes, OpError error) {
  if (!error.input || error.message.find("cast ") != std::string::npos) return error;
  std::vector<TensorType> others(inputs.begin(), inputs.end());
  for (const ElementType element : kElementTypes) {
    others[*error.input].element = element;
    if (!op.type_rule(others, attributes)) continue;
    error.message += "; cast it to " + std::string(to_string(element));
    break;
  }
  return error;
}

OpError too_large(const TensorType& type) {
  return {"would give " + to_string(type) + ", which is larger than 16 TiB", {}};
}

}  // namespace

Work work_of_streaming(std::span<const TensorType> inputs, std::span<const TensorType> results,
                       const Attributes&) {
  double num_bytes = 0;
  for (const TensorType& input : inputs) num_bytes += static_cast<double>(input.size_bytes());
  for (const TensorType& result : results) num_bytes += static_cast<double>(result.size_bytes());
  return {.rate = "", .num_flops = 0, .num_bytes = num_bytes};
}

std::span<const OpInfo> all_ops() { return table(); }

const OpInfo* find_op(std::string_view name) {
  const std::vector<OpInfo>& ops = table();
  const auto at =
      std::lower_bound(ops.begin(), ops.end(), name,
                       [](const OpInfo& op, std::string_view n) { return op.name < n; });
  return at != ops.end() && at->name == name ? &*at : nullptr;
}

const AttributeSpec* find_attribute(const OpInfo& op, std::string_view name) {
  for (const AttributeSpec& spec : op.attributes) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

tl::expected<std::vector<TensorType>, OpError> infer_types(const OpInfo& op,
                                                           std::span<const TensorType> inputs,
                                                           const Attributes& attributes) {
  if (auto reason = find_bad_arity(op, inputs.size())) return error_of(op, {*reason, {}});
  if (auto error = find_bad_attribute(op, attributes)) return error_of(op, *std::move(error));
  tl::expected<TensorType, OpError> first = op.type_rule(inputs, attributes);
  if (!first) return error_of(op, with_cast(op, inputs, attributes, std::move(first).error()));
  if (!is_valid(*first)) return error_of(op, too_large(*first));
  std::vector<TensorType> types = {*std::move(first)};
  if (op.more_types_rule == nullptr) return types;
  for (TensorType& type : op.more_types_rule(inputs, types.front(), attributes)) {
    if (!is_valid(type)) return error_of(op, too_large(type));
    types.push_back(std::move(type));
  }
  return types;
}

Result<void> check_types(const OpInfo& op, std::span<const TensorType> inputs,
                         std::span<const TensorType> results, const Attributes& attributes) {
  const auto types = infer_types(op, inputs, attributes);
  if (!types) return input_error(types.error().message);
  const std::string name(op.name);
  if (types->size() != results.size()) {
    return input_error(name + " has " + std::to_string(types->size()) + " results; got " +
                       std::to_string(results.size()));
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if ((*types)[i] == results[i]) continue;
    return input_error(name + " gives " + to_string((*types)[i]) + "; the result has " +
                       to_string(results[i]));
  }
  return {};
}

tl::expected<TensorType, OpError> infer_type(const OpInfo& op, std::span<const TensorType> inputs,
                                             const Attributes& attributes) {
  return infer_types(op, inputs, attributes).map([](std::vector<TensorType> types) {
    return std::move(types.front());
  });
}

int64_t scratch_bytes(const OpInfo& op, bool is_on_host, std::span<const TensorType> inputs,
                      std::span<const TensorType> results, const Attributes& attributes) {
  if (op.scratch_rule == nullptr) return 0;
  const Scratch scratch = op.scratch_rule(inputs, results, attributes);
  return is_on_host ? scratch.host_bytes : std::max(scratch.host_bytes, scratch.accelerator_bytes);
}

std::string inputs_taken_by(const OpInfo& op) {
  if (op.min_inputs == op.max_inputs) return count_of_inputs(op.min_inputs);
  if (op.max_inputs == kAnyNumberOfInputs) return "at least " + count_of_inputs(op.min_inputs);
  return std::to_string(op.min_inputs) + " to " + count_of_inputs(op.max_inputs);
}

bool may_run_in_place(const OpInfo& op, size_t operand, const TensorType& input,
                      const TensorType& result, size_t number) {
  if (op.in_place == InPlace::kOperandOfNumber) return input == result && operand == number;
  if (number > 0) return false;
  switch (op.in_place) {
    case InPlace::kNever:
    case InPlace::kOperandOfNumber:
      return false;
    case InPlace::kFirstOperand:
      return input == result && operand == 0;
    case InPlace::kAnyOperand:
      return input == result && !is_multiplied(op, operand);
    case InPlace::kView:
      return operand == 0 && input.element == result.element &&
             input.num_elements() == result.num_elements();
  }
  return false;
}

std::vector<RowUse> row_uses(const OpInfo& op, std::span<const TensorType> inputs,
                             const TensorType& result, const Attributes& attributes) {
  if (op.row_rule == nullptr) return {};
  return op.row_rule(inputs, result, attributes);
}

std::vector<ElementSource> element_sources(const OpInfo& op, std::span<const TensorType> inputs,
                                           const Attributes& attributes) {
  if (op.view_rule == nullptr) return {};
  return op.view_rule(inputs, attributes);
}

std::vector<int64_t> normalized_axes(const std::vector<int64_t>& axes, int rank) {
  std::vector<int64_t> normalized = axes;
  if (axes.empty()) {
    normalized.resize(static_cast<size_t>(rank));
    std::iota(normalized.begin(), normalized.end(), int64_t{0});
  }
  for (int64_t& axis : normalized) axis += axis < 0 ? rank : 0;
  std::sort(normalized.begin(), normalized.end());
  return normalized;
}

}  // namespace graphrt
