#pragma once

#include <functional>

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

/// A chain at random over operands of a shape at random, for every back end: `elementwise`. Its
/// values stay in a range in which all of its functions are precise.
OperatorUse chain_use(Dice& dice);

using RunOperator =
    std::function<Tensor(std::string_view, const std::vector<Tensor>&, const Attributes&)>;

/// What the operators of those names give, one after the other, run by `run`.
Tensor run_step_by_step(const OperatorUse& use, const RunOperator& run);

}  // namespace graphrt
