#pragma once

#include <string>

#include "compiler/solve/packing/interval_packing.h"

namespace graphc {

struct MemoryInstance {
  std::string name;
  IntervalProblem problem;
  std::optional<int64_t> capacity_bytes;
};

/// A rectangle of time and bytes cut into `num_requests` smaller ones, each cut right across the
/// rectangle it divides (guillotine cuts), so that the height of the whole is the optimum and its
/// load at every time. The longer side is cut, between a quarter and three quarters of it; bytes
/// and times are scaled so that the whole is a square. Requests are in random order.
MemoryInstance planted_instance(size_t num_requests, uint32_t seed);

}  // namespace graphc
