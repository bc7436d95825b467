#pragma once

#include <string_view>
#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"
#include "runtime/op/op_table.h"

namespace graphrt {

/// Operands and attributes of one operator.
struct OperatorUse {
  std::vector<Tensor> inputs;
  Attributes attributes;
};

/// All but the composite ones.
inline std::vector<std::string_view> ops_with_kernels() {
  std::vector<std::string_view> names;
  for (const OpInfo& op : all_ops()) {
    if (!op.is_composite()) names.push_back(op.name);
  }
  return names;
}

}  // namespace graphrt
