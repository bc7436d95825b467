#pragma once

#include "runtime/base/result.h"
#include "tools/graphrun/options.h"

namespace graphrun {

/// Does what the command line asks for. Output files are written only when all else has succeeded.
graphrt::Result<void> execute(const Options& options);

}  // namespace graphrun
