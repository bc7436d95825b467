#pragma once

#include "compiler/vocabulary.h"

namespace graphc {

using ValueId = Id<struct ValueTag>;
using NodeId = Id<struct NodeTag>;

}  // namespace graphc
