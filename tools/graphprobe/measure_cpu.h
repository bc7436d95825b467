#pragma once

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"

namespace graphprobe {

/// The CPU with its memory and rates, not yet its launch. All workers work at once, each on arrays
/// of its own: what the device reaches as a whole, all lanes together.
/// Errors: the host has no memory (kMachine).
graphrt::Result<graphc::Device> measure_cpu(int32_t num_workers);

}  // namespace graphprobe
