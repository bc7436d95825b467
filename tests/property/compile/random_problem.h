#pragma once

#include <cstdint>

#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"
#include "runtime/base/tensor.h"

namespace graphc {

/// A training-like graph with tame numbers: square f32 matrices, states that feed back through
/// bounded updates, random pins. The same from the same seed.
Graph random_graph(uint32_t seed, const Machine& machine);

/// One CPU and one to three accelerators with random lanes, rates and links. Every accelerator
/// reaches the CPU, some only over another one.
Machine random_machine(uint32_t seed);

/// Two to four hosts that are such machines, some alike, on a network of one or two cards each.
Machine random_machine_of_hosts(uint32_t seed);

/// Values in [-1, 1) for an input, with rows for several steps.
Tensor random_feed(uint32_t seed, const TensorType& type, int64_t num_batches);

}  // namespace graphc
