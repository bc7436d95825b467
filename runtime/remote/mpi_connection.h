#pragma once

#include <memory>

#include "runtime/base/result.h"
#include "runtime/remote/transport.h"

namespace graphrt {

/// Whether mpirun, srun or the like started this process, as one of several or perhaps so.
bool is_started_by_mpi();

/// The ranks that mpirun started, called by their machines until they are arranged. MPI is loaded
/// for it, with libgraphrt_mpi beside this library, and ends with disconnect(). Once in a process.
/// Errors: no MPI in this build, or none that works here (kMachine).
Result<std::shared_ptr<Transport>> connect_by_mpi();

/// What libgraphrt_mpi defines, under this name: connects, if it is of the version that asks;
/// returns its own.
extern "C" using ConnectMpi =
    const char * (const char* version, Result<std::shared_ptr<Transport>>* connected);
inline constexpr const char* kConnectMpi = "graphrt_connect_mpi";

}  // namespace graphrt
