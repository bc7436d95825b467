#pragma once

#include <cstdint>
#include <string>

#include "tools/graphprobe/plan_kernels.h"

namespace graphprobe {

/// The text form of a graph that computes the same kernel `length` times on a device, from the same
/// operands; what replaces its first operand has one of its own each time. Floats are random, since
/// what a chip computes decides how much power it draws; integers are labels and rows, spread
/// evenly over those that there are: how many fall on one decides how long some kernels take.
std::string chain_of(const Kernel& kernel, const std::string& device_name, int32_t length);

}  // namespace graphprobe
