#pragma once

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"

namespace graphprobe {

/// An accelerator of a kind that machine files know by `kind`.
struct Accelerator {
  const graphrt::BackEnd* back_end = nullptr;
  std::string kind;
  std::string name;
  int32_t index = 0;
};

/// An accelerator with its memory and rates, not yet its launch and its streams: one kernel at a
/// time, as one kernel gets all of it. Errors: what the back end reports.
graphrt::Result<graphc::Device> measure_gpu(const Accelerator& accelerator);

}  // namespace graphprobe
