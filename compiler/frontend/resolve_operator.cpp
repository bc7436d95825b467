#include "compiler/frontend/resolve_operator.h"

#include <utility>
#include <vector>

#include "runtime/base/text.h"

namespace graphc {
namespace {

bool is_declared(const NodeDeclaration& declared, std::string_view name) {
  for (const AttributeDeclaration& attribute : declared.attributes) {
    if (attribute.name.text == name) return true;
  }
  return false;
}

void check_arity(const NodeDeclaration& declared, const OpInfo& op, DiagnosticSink& diagnostics) {
  const size_t count = declared.inputs->size();
  if (count >= op.min_inputs && count <= op.max_inputs) return;
  diagnostics.error(declared.op->where, std::string(op.name) + " takes " + inputs_taken_by(op) +
                                            "; got " + std::to_string(count));
}

void report_attribute_kind(const AttributeDeclaration& declared, const AttributeSpec& spec,
                           DiagnosticSink& diagnostics) {
  const std::string& written = declared.written;
  const bool is_too_large = spec.kind == AttributeKind::kInt && !written.empty() &&
                            written.find_first_not_of("+-0123456789") == std::string::npos;
  diagnostics.error(declared.value_where,
                    graphrt::quoted_name(declared.name.text) + " must be " +
                        std::string(to_string(spec.kind)) + (is_too_large ? " of 64 bits" : "") +
                        "; got " + (written.empty() ? to_string(*declared.value) : written));
}

void resolve_attribute(const AttributeDeclaration& declared, Node& node,
                       DiagnosticSink& diagnostics) {
  const std::string& name = declared.name.text;
  const AttributeSpec* spec = find_attribute(*node.op, name);
  if (spec == nullptr) {
    std::vector<std::string> candidates(kNodeKeys.begin(), kNodeKeys.end());
    for (const AttributeSpec& known : node.op->attributes) candidates.emplace_back(known.name);
    diagnostics.error(
        declared.name.where,
        std::string(node.op->name) + " has no attribute " + graphrt::quoted_name(name),
        did_you_mean(name, candidates, diagnostics.hint_budget()));
    return;
  }
  if (!declared.value) return;
  AttributeValue value = *declared.value;
  const int64_t* integer = std::get_if<int64_t>(&value);
  if (spec->kind == AttributeKind::kFloat && integer != nullptr) {
    value = static_cast<double>(*integer);
  }
  if (kind_of(value) != spec->kind) {
    report_attribute_kind(declared, *spec, diagnostics);
    return;
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && !is_plain_text(*text)) {
    diagnostics.error(declared.value_where, graphrt::quoted_name(name) + std::string(kMustBePlain));
    return;
  }
  node.attributes.set(name, std::move(value));
  node.attribute_places.emplace_back(name, declared.value_where);
}

}  // namespace

std::optional<std::string> did_you_mean(const std::string& word,
                                        std::span<const std::string> candidates,
                                        NameSearchBudget& budget) {
  if (word.size() < 2) return std::nullopt;  // every other single letter would be near
  const std::optional<std::string> nearest = nearest_name(word, candidates, budget);
  if (!nearest) return std::nullopt;
  return "did you mean " + graphrt::quoted_name(*nearest) + "?";
}

void resolve_operator(const NodeDeclaration& declared, Node& node, DiagnosticSink& diagnostics) {
  node.op = find_op(declared.op->text);
  if (node.op == nullptr) {
    std::vector<std::string> candidates;
    for (const OpInfo& op : all_ops()) candidates.emplace_back(op.name);
    diagnostics.error(declared.op->where,
                      "unknown operator " + graphrt::quoted_name(declared.op->text),
                      did_you_mean(declared.op->text, candidates, diagnostics.hint_budget()));
    return;
  }
  if (declared.inputs) check_arity(declared, *node.op, diagnostics);
  for (const AttributeDeclaration& attribute : declared.attributes) {
    resolve_attribute(attribute, node, diagnostics);
  }
  for (const AttributeSpec& spec : node.op->attributes) {
    if (!spec.is_required || is_declared(declared, spec.name)) continue;
    diagnostics.error(declared.op->where, declared.op->text + " needs the attribute '" +
                                              std::string(spec.name) + "', " +
                                              std::string(to_string(spec.kind)));
  }
}

}  // namespace graphc
