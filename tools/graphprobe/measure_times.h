#pragma once

#include <string>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"
#include "tools/graphprobe/plan_kernels.h"

namespace graphprobe {

/// Times these kernels by themselves, one after the other on one lane of the first device of their
/// kind, with the algorithms that `machine` has for them, and writes the times down in `machine`.
/// An algorithm that does not save anything there, where no launch hides what it does, is dropped.
/// What is there for one of these kernels is replaced; a CPU's are left out, whose workers share
/// what is large. Returns what was found, a line each, and of what cannot be timed the reason.
/// Requires: measure_algorithms() found the devices usable. Errors: none.
graphrt::Result<std::vector<std::string>> measure_times(const Kernels& kernels,
                                                        const graphrt::DeviceRegistry& registry,
                                                        graphc::Machine& machine);

}  // namespace graphprobe
