#pragma once

#include "runtime/kernels/cuda/attention_call.h"
#include "runtime/kernels/cuda/prepare.h"

namespace graphrt::cuda {

// Our own kernels, for everything that heads of up to kWidestHead elements can be. Errors: wider
// heads, or more rows than a launch has numbers for.

KernelResult make_attention(const KernelSpec& spec, const AttentionOperands& operands);
KernelResult make_attention_grad(const KernelSpec& spec, const AttentionOperands& operands);

/// Where q, k and v begin, in bytes: in operands of their own, or in one.
struct HeadAddresses {
  const std::byte* q;
  const std::byte* k;
  const std::byte* v;
};
/// Where operators of attention have them, or gradients by them.
struct HeadPlaces {
  AttentionOperands operands;
  int64_t keys_at = 0;  ///< bytes
  int64_t values_at = 0;

  HeadPlaces(const AttentionOperands& at, const AttentionSizes& sizes, ElementType element)
      : operands(at),
        keys_at(sizes.keys_at * size_bytes(element)),
        values_at(sizes.values_at * size_bytes(element)) {}

  HeadAddresses in(std::span<const std::byte* const> inputs) const {
    return {inputs[operands.q], inputs[operands.k] + keys_at, inputs[operands.v] + values_at};
  }
};

}  // namespace graphrt::cuda
