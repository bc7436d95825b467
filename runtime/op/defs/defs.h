#pragma once

#include "runtime/op/op_table.h"

namespace graphrt {

// The definition of every operator of operators.def. Those of related operators share a file, and
// with it their rules.

#define GRAPHC_OPERATOR(name) OpInfo op_##name();
#include "runtime/op/operators.def"

}  // namespace graphrt
