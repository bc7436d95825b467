#pragma once

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// What one more operator costs a device, in seconds: a chain of tiny operators is compiled for it
/// and run as graphrun runs plans, and so is a short chain. Their difference, over the number of
/// operators, holds no cost of a run as a whole.
/// Errors: what the session reports.
graphrt::Result<double> measure_launch(const graphc::Machine& machine, graphrt::DeviceId device,
                                       const graphrt::DeviceRegistry& registry);

}  // namespace graphprobe
