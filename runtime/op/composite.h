#pragma once

#include <string_view>
#include <vector>

#include "runtime/op/expression.h"
#include "runtime/op/op_table.h"

namespace graphrt {

/// An attribute of a composite operator: a number in its formula.
struct FormulaParameter {
  std::string_view name;
  std::string_view docs;  ///< `(0.2)`
  double otherwise = 0;   ///< what it is where the attribute is absent
};

/// Reads `alpha (0.2), beta (0.5)`. Requires: a text of composites.def.
std::vector<FormulaParameter> parse_parameters(std::string_view text);

/// The composite operators of composites.def.
std::vector<OpInfo> all_composites();

/// The formula of `op` over its operands, with what `attributes` say for its parameters.
/// Requires: op.is_composite().
Expression expression_of(const OpInfo& op, const Attributes& attributes);

}  // namespace graphrt
