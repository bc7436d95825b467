#pragma once

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// What one more operator costs a device, in seconds, if it has next to nothing to do.
/// Errors: what the session reports.
graphrt::Result<double> measure_launch(const graphc::Machine& machine, graphrt::DeviceId device,
                                       const graphrt::DeviceRegistry& registry);

}  // namespace graphprobe
