#pragma once

#include <filesystem>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The array in a file for an input. Where both are integers, of other types, it becomes the input's
/// type: labels and tokens are i64 wherever NumPy or PyTorch made them.
/// Errors: as read_npy; a value that the input's type does not hold, with its row. Whether shapes and
///         other types fit, Session::set_input says.
Result<Tensor> read_feed(const std::filesystem::path& path, const PlanInput& input);

}  // namespace graphrt
