#pragma once

#include <vector>

#include "compiler/machine/machine.h"

namespace graphc {

/// The links from `from` to `to` that together move a megabyte soonest, in the order of travel;
/// empty if `from` equals `to` or no route exists. Ties go to the route with fewer links, then to
/// the lower device. Between hosts it goes over their CPUs. Cost: O(devices x links) of a host.
std::vector<const LinkDirection*> cheapest_route(const Machine& machine, DeviceId from,
                                                 DeviceId to);

}  // namespace graphc
