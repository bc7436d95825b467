#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// The text form of a graph of `length` operators, all of them on `device`.
using ChainText = std::function<std::string(const std::string& device, int32_t length)>;

/// What one more operator takes, in seconds: a chain of `longer` of them is compiled for one lane
/// of the device and run as graphrun runs plans, and so is one of `shorter`. Their difference, over
/// the number of operators, holds no cost of a run as a whole. The machine is taken to have no
/// other device but its host. `budget` is what either is run for.
///
/// Errors: what compiler and session report (kMachine).
graphrt::Result<double> seconds_per_operator(const graphc::Machine& machine,
                                             graphrt::DeviceId device, const ChainText& text,
                                             int32_t shorter, int32_t longer,
                                             std::chrono::milliseconds budget,
                                             const graphrt::DeviceRegistry& registry);

}  // namespace graphprobe
