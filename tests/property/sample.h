#pragma once

#include <algorithm>

/// How many of the random cases of a test there are.
namespace graphc {

#ifdef GRAPHC_IS_SANITIZED
inline constexpr int kSampling = 3;
#else
inline constexpr int kSampling = 1;
#endif

/// `all`; under sanitizers, where each takes several times as long, the first third of them.
template <typename Count>
constexpr Count sampled(Count all) {
  return std::max<Count>(all / kSampling, 1);
}

}  // namespace graphc
