#pragma once

#include <cstdint>

namespace graphprobe {

/// Cores that this process may use: those it may run on, and no more than the quota of its control
/// group. At least 1.
int32_t num_host_cores();

/// The machine's memory, or the limit of the process's control group where that is less.
int64_t host_memory_bytes();

/// Rounded down to whole GiB, or to whole MiB where there is less than one.
int64_t whole_gibibytes(int64_t num_bytes);

}  // namespace graphprobe
