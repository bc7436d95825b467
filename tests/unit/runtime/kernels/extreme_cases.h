#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernel_test_support.h"

namespace graphrt {

/// Operands where formulas that are right on paper go wrong: infinities, NaN, zeros of both signs,
/// subnormal numbers, the largest ones; and what the operator gives, worked out by hand or with
/// more digits than any back end has.
struct ExtremeCase {
  std::string name;
  std::string_view op;
  std::vector<Tensor> inputs;
  Tensor wanted;
  Attributes attributes = {};
  double relative_error = 3e-6;
};

/// For every back end.
std::vector<ExtremeCase> extreme_cases();

/// Integers are equal; floats agree to the case's relative error, and to that alone: NaN with NaN,
/// an infinity with itself, 0 with 0.
testing::AssertionResult gives_wanted(const Tensor& found, const ExtremeCase& tested);

}  // namespace graphrt
