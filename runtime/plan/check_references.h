#pragma once

#include <optional>
#include <string>

#include "runtime/plan/plan.h"

namespace graphrt {

/// Finds an id, a count or a size that points outside its table or its limit, so that everything
/// after it may index without checking. One line that names the place; nothing if all are right.
std::optional<std::string> find_broken_reference(const Plan& plan);

}  // namespace graphrt
