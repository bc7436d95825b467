#pragma once

#include <string>

#include "compiler/solve/packing/interval_packing.h"
#include "runtime/base/result.h"

namespace graphc {

struct MemoryInstance {
  std::string name;
  IntervalProblem problem;
  std::optional<int64_t> capacity_bytes;
};

/// Lines `id,lower,upper,size` after a line of headings; alive in [lower, upper).
/// Errors: the file cannot be read, or a line is not of that form (names it).
Result<IntervalProblem> read_intervals(const std::string& path);

/// A rectangle of time and bytes cut into `num_requests` smaller ones, each cut right across the
/// rectangle it divides (guillotine cuts), so that the height of the whole is the optimum and its
/// load at every time. The longer side is cut, between a quarter and three quarters of it; bytes
/// and times are scaled so that the whole is a square. Requests are in random order.
MemoryInstance planted_instance(size_t num_requests, uint32_t seed);

}  // namespace graphc
