#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>

#include "runtime/base/result.h"

namespace graphrt {

/// The error of an MPI call, or none. Requires: its communicator returns errors.
Result<void> check_mpi(int code, const std::string& what);

/// Some bytes as MPI counts them: `count` of `type`.
struct MpiBytes {
  int count = 0;
  MPI_Datatype type = MPI_BYTE;
};

/// Any number of bytes, also one that is no int: as one element then, of a type for it, whose parts
/// have no more than `max_count` elements. Requires: the type, if it is not MPI_BYTE, is freed.
Result<MpiBytes> mpi_bytes(int64_t num_bytes, int64_t max_count);

}  // namespace graphrt
