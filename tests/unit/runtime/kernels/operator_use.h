#pragma once

#include <vector>

#include "runtime/base/tensor.h"
#include "runtime/op/attribute.h"

namespace graphrt {

/// Operands and attributes of one operator.
struct OperatorUse {
  std::vector<Tensor> inputs;
  Attributes attributes;
};

}  // namespace graphrt
