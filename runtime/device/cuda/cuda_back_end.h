#pragma once

#include "runtime/device/device_registry.h"

namespace graphrt {

/// NVIDIA GPUs through the CUDA runtime. Where there is no driver or no GPU it counts none.
BackEnd cuda_back_end();

}  // namespace graphrt
