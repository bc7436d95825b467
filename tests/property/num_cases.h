#pragma once

namespace graphc {

/// How many of `all` random cases a test takes. Sanitizers make each ten times as slow and look for
/// what the first show as well as the last: there it is a quarter.
template <class Number>
constexpr Number num_cases(Number all) {
#ifdef GRAPHC_SANITIZED
  return all / 4;
#else
  return all;
#endif
}

}  // namespace graphc
