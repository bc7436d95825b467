#pragma once

#include "tools/graphrun/options.h"

namespace graphrun {

/// Connects with the other processes that mpirun started; without mpirun does nothing. Ends with
/// end_ranks(). Errors: --emulate under mpirun (kUsage); no MPI that works here (kMachine).
graphrt::Result<void> join_ranks(Options& options);

/// Agrees with the others on how the program ends, says what is wrong, on the first of them if all
/// know it, and parts from them. Gives the exit code, one for all.
int end_ranks(const Options& options, const graphrt::Result<int>& result);

}  // namespace graphrun
