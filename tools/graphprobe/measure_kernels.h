#pragma once

#include <string>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"
#include "tools/graphprobe/plan_kernels.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {

/// Times these kernels as they run in plans, in recorded launches on the first device of their
/// kind, one kernel after the other: by the algorithms that the device has for them, of which the
/// fastest goes into `machine` if it beats the device's own choice by more than what two
/// measurements differ by; and the time of each. What is there for one of these kernels is
/// replaced; those of CPUs are left out, whose workers share what is large, and so are views, which
/// take no time. Returns what was found, a line each, and of what cannot be timed the reason.
/// Errors: a device that cannot be used (kMachine).
graphrt::Result<std::vector<std::string>> measure_kernels(
    const Kernels& kernels, const graphrt::DeviceRegistry& registry, graphc::Machine& machine,
    const SecondsClock& clock = steady_seconds);

}  // namespace graphprobe
