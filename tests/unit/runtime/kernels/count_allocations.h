#pragma once

#include <cstdint>

namespace graphrt {

/// How often `operator new` was called in this program so far, by any thread.
int64_t num_allocations();

}  // namespace graphrt
