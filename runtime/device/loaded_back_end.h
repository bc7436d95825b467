#pragma once

#include <string>

#include "runtime/device/device_registry.h"

namespace graphrt {

/// A back end that is a shared object of its own, libgraphrt_KIND, beside the library or program
/// that this is part of. It is loaded when it is first asked for, so that nobody pays for what the
/// vendor's libraries take who does not need them. Where it cannot be loaded it has no devices, and
/// says why. It is never unloaded.
BackEnd loaded_back_end(const std::string& kind);

/// What such an object defines, under this name: fills in `back_end` if it is of the version that
/// asks, and returns its own.
extern "C" using FillBackEnd = const char * (const char* version, BackEnd* back_end);
inline constexpr const char* kFillBackEnd = "graphrt_fill_back_end";

}  // namespace graphrt
