#pragma once

#include <string>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"
#include "tools/graphprobe/plan_kernels.h"

namespace graphprobe {

/// Times every algorithm that the back ends have for these kernels, on the first device of each
/// kind, and writes down in `machine` those that beat the back end's own choice by more than what
/// two measurements differ by. What is there for one of these kernels is replaced. Returns what was
/// found, a line each.
/// Errors: a device that cannot be used (kMachine).
graphrt::Result<std::vector<std::string>> measure_algorithms(
    const Kernels& kernels, const graphrt::DeviceRegistry& registry, graphc::Machine& machine);

}  // namespace graphprobe
