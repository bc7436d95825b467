#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// Times every algorithm that the back ends have for the kernels of these plans, on the first
/// device of each kind, and writes down in `machine` those that beat the back end's own choice by
/// more than what two measurements differ by. What is there for one of these kernels is replaced.
/// Returns what was found, a line each. Errors: a file that is not a plan (kInput); a device that
/// cannot be used (kMachine).
graphrt::Result<std::vector<std::string>> measure_algorithms(
    const std::vector<std::filesystem::path>& plans, const graphrt::DeviceRegistry& registry,
    graphc::Machine& machine);

}  // namespace graphprobe
