#pragma once

#include "runtime/base/check.h"
#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"

/// The compiler speaks the runtime's words: types, results and ids are the same on both sides of
/// the plan.
namespace graphrt {}
namespace graphc {
using namespace graphrt;
}
