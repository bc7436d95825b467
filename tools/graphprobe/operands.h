#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/device/device.h"

namespace graphprobe {

/// An array in an arena of its own, its content what allocate() leaves.
graphrt::Result<graphrt::OperandSlots> make_array(graphrt::Device& device,
                                                  const graphrt::TensorType& type);

/// The same, filled with random numbers: what a chip computes decides how much power it draws, and
/// so how fast it is.
graphrt::Result<graphrt::OperandSlots> make_random_array(graphrt::Device& device,
                                                         const graphrt::TensorType& type);

/// What a kernel may read: random floats, and integers from 0 up to `bound` in turn.
graphrt::Result<graphrt::OperandSlots> make_operand(graphrt::Device& device,
                                                    const graphrt::TensorType& type, int64_t bound);

/// Gives a binding the scratch memory that its operator needs. Requires: all else is bound.
/// Errors: no memory (kMachine).
graphrt::Result<void> add_scratch(graphrt::Device& device, graphrt::KernelBinding& binding);

graphrt::Result<std::unique_ptr<graphrt::Action>> bind_operator(
    graphrt::Device& device, std::string_view op, std::vector<graphrt::OperandSlots> inputs,
    const graphrt::OperandSlots& output, const graphrt::Attributes& attributes = {});

/// A product of random n x n matrices, which is 2 n^3 operations; `math` as the operator has it.
graphrt::Result<std::unique_ptr<graphrt::Action>> bind_product(
    graphrt::Device& device, int64_t n, std::string_view math = "f32",
    graphrt::ElementType element = graphrt::ElementType::kF32);

/// A sum of two arrays of `num_elements`, which reads and writes 12 bytes for each.
graphrt::Result<std::unique_ptr<graphrt::Action>> bind_sum(graphrt::Device& device,
                                                           int64_t num_elements);

/// Operations of bind_product(), bytes of bind_sum().
double product_flops(int64_t n);
double sum_bytes(int64_t num_elements);

}  // namespace graphprobe
