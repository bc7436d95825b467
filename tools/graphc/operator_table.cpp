#include "tools/graphc/operator_table.h"

#include <array>
#include <cstdint>

#include "runtime/op/element_function.h"
#include "runtime/op/op_table.h"

namespace {

enum class OperatorKind : uint8_t { kElementFunction, kComposite, kOther };

OperatorKind kind_of_operator(const graphrt::OpInfo& op) {
  if (graphrt::find_element_function(op.name)) return OperatorKind::kElementFunction;
  return op.is_composite() ? OperatorKind::kComposite : OperatorKind::kOther;
}

std::string row_of_operator(const graphrt::OpInfo& op) {
  std::string attributes;
  for (const graphrt::AttributeSpec& attribute : op.attributes) {
    if (!attributes.empty()) attributes += "; ";
    attributes += "`" + std::string(attribute.name) + "`";
    const bool is_word = attribute.docs.starts_with("(");
    attributes += (is_word ? " " : "") + std::string(attribute.docs);
  }
  if (!attributes.empty()) attributes += " ";
  return "| `" + std::string(op.name) + "` | " + std::string(op.operands) + " | " +
         std::string(op.result) + " | " + attributes + "|\n";
}

}  // namespace

std::string operator_table() {
  std::string text = "| operator | operands | result | attributes (default) |\n|---|---|---|---|\n";
  for (const OperatorKind kind :
       {OperatorKind::kElementFunction, OperatorKind::kComposite, OperatorKind::kOther}) {
    for (const graphrt::OpInfo& op : graphrt::all_ops()) {
      if (kind_of_operator(op) == kind) text += row_of_operator(op);
    }
  }
  text.pop_back();  // what prints it ends the last line
  return text;
}
