#pragma once

#include <string>

#include "compiler/graph/graph.h"

namespace graphc {

/// How many labels are not `ignored`, f32[]: add(operator, inputs, attributes) adds a node and gives
/// its result. Sums of parts of the labels add up to it, so a divided batch is counted in parts.
template <class Add>
ValueId add_label_count(ValueId label, ValueId ignored, const Add& add) {
  const ValueId counts = add("not_equal", {label, ignored}, Attributes());
  Attributes to_f32;
  to_f32.set("to", std::string("f32"));
  return add("sum", {add("cast", {counts}, to_f32)}, Attributes());
}

}  // namespace graphc
