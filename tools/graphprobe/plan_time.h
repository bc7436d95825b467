#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// What one step takes, in seconds, of a graph in text form whose operators are all on `device`:
/// compiled for so many lanes of it, and run as graphrun runs plans. The machine is taken to have
/// no other device but its host. `budget` is what it is run for.
///
/// Errors: what compiler and session report (kMachine).
graphrt::Result<double> seconds_per_step(const graphc::Machine& machine, graphrt::DeviceId device,
                                         int32_t num_lanes, const std::string& text,
                                         std::chrono::milliseconds budget,
                                         const graphrt::DeviceRegistry& registry);

/// The text form of a graph of `length` operators, all of them on `device`.
using ChainText = std::function<std::string(const std::string& device, int32_t length)>;

/// What one more operator takes, in seconds: the difference of a step of `longer` of them on one
/// lane and one of `shorter`, over the number of operators, holds no cost of a run as a whole.
/// `budget` is what either is run for.
///
/// Errors: as seconds_per_step.
graphrt::Result<double> seconds_per_operator(const graphc::Machine& machine,
                                             graphrt::DeviceId device, const ChainText& text,
                                             int32_t shorter, int32_t longer,
                                             std::chrono::milliseconds budget,
                                             const graphrt::DeviceRegistry& registry);

}  // namespace graphprobe
