#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/op/element_function.h"

namespace graphrt {

/// Inputs are counted from 0.
inline constexpr size_t kMaxChainInputs = 8;
inline constexpr size_t kMaxChainSteps = 16;

struct ChainStep {
  ElementFunction function = ElementFunction::kAdd;  ///< on one element of the operands
  std::optional<size_t> input;     ///< the operand beside the running value, of those with two
  bool running_is_second = false;  ///< which of two operands the running value is
  double factor = 1;               ///< kScale
  bool operator==(const ChainStep&) const = default;
};

/// Elementwise functions one after the other: each takes the value before it, and many an input
/// besides. What the operator `elementwise` computes; its attribute `formula` is the text of one.
struct Chain {
  size_t start = 0;              ///< the input that the first step takes as the value before it
  std::vector<ChainStep> steps;  ///< at least one
  bool operator==(const Chain&) const = default;
};

/// `mul(relu(add(x0, x1)), x2)`: calls inside each other, the first step innermost.
std::string to_string(const Chain& chain);

/// Reads such a text, with spaces anywhere between its words; a call has at most one other call as
/// its operand.
/// Errors: what is wrong and where, as words that follow a name ("needs '(' at character 4 ...").
/// Cost: O(size of the text), which is bounded; takes anything.
Result<Chain> parse_chain(std::string_view text);

/// The inputs that a chain uses, in the order in which it does, with repetitions.
std::vector<size_t> inputs_of(const Chain& chain);

}  // namespace graphrt
