#pragma once

#include <cstdint>

#include "runtime/base/result.h"

namespace graphrt::cuda {

/// Lets `gpu` reach the memory of `peer` directly, if a write really arrives there: some virtual
/// machines announce peer access and drop the writes. Otherwise CUDA stages copies through the
/// host, slower and right. Says which it is; asked again it gives the same answer.
/// Errors: what CUDA reports (kMachine).
Result<bool> enable_peer_access(int32_t gpu, int32_t peer);

}  // namespace graphrt::cuda
