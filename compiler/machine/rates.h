#pragma once

#include <string_view>

#include "compiler/machine/machine.h"

namespace graphc {

/// The rate that a device is predicted by where a kernel asks for `rate`: the same if the machine
/// file has it.
std::string_view rate_in_place_of(const Device& device, std::string_view rate);

}  // namespace graphc
