#pragma once

#include <cstdint>

#include "runtime/plan/plan.h"

namespace graphrt {

/// A small plan of sound structure: up to 8 instructions, and their blocks of rows, on up to 4
/// lanes with stages up to 2, up to 3 versions a buffer, states, buffers that share all or some of
/// their bytes, results written in place; in some, one with two results and scratch memory. Of
/// every three plans about one gets all waits it needs, one has some of them damaged, and one was
/// damaged in its order. The same seed gives the same plan on every machine.
Plan random_plan(uint64_t seed);

/// The same over 2 to 4 hosts, up to 10 instructions and messages on up to 3 lanes a host and two
/// lanes of messages from one host to another: of some rows, into some rows, and into states.
Plan random_plan_over_hosts(uint64_t seed);

}  // namespace graphrt
