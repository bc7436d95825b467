#pragma once

#include "runtime/base/result.h"
#include "tools/graphrun/options.h"

namespace graphrun {

/// Does what the command line asks for; returns the exit code. Outputs and traces are written only
/// when all else has succeeded; a metrics table and checkpoints while the run goes on.
graphrt::Result<int> execute(const Options& options);

}  // namespace graphrun
